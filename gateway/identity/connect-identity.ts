import type { Config } from '../../runtime/config.ts';
import { createExternalCalls } from '../../runtime/external-call.ts';
import type { RoleContext } from '../../runtime/role.ts';
import type { EventLog } from '../../streams/event-log.ts';
import type { Operation } from '../http/operations.ts';
import type { KeyStore } from '../keys.ts';
import { createJsonWebTokens } from './json-web-tokens.ts';
import { openIdentity, type Identity } from './open-identity.ts';

/** What a token that lies in a browser is never good for. */
const NOT_FOR_BROWSERS = ['createClientToken', 'status', 'subscribe'];

/** Opens every kind of credential that the configuration asks for. Throws as `openIdentity` does. */
export function connectIdentity(deps: {
  readonly context: RoleContext;
  readonly config: Pick<Config, 'jwt'>;
  readonly events: EventLog;
  readonly topic: string;
  readonly pepper: Buffer;
  readonly secret: Buffer;
  readonly others: KeyStore;
  readonly operations: readonly Operation[];
  readonly onPoison: () => void;
  readonly onFailure: (error: unknown) => void;
}): Promise<Identity> {
  const { config, context, operations, ...rest } = deps;
  const { jwt } = config;
  return openIdentity({
    ...rest,
    clientPaths: operations.filter(({ id, secured }) => secured && !NOT_FOR_BROWSERS.includes(id)),
    jsonWebTokens: jwt === null ? null : createJsonWebTokens(jwt, createExternalCalls(context.metrics)),
  });
}
