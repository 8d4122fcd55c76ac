import type { Config } from '../../runtime/config.ts';
import type { Tracer } from '../../runtime/tracing.ts';
import type { Producer } from '../../schemas/generated/types.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { buildServer } from '../http/server.ts';
import type { OpenIdentities } from '../identity/change-identities.ts';
import type { Identity } from '../identity/open-identity.ts';
import { listen } from '../listen.ts';
import type { ModelDirectory } from '../models.ts';
import { createOrigins } from '../origins.ts';
import type { Configuration } from '../routing/configuration.ts';
import { configHandlers } from './config-handlers.ts';
import { actorOf, adminHandlers } from './handlers.ts';
import { adminOperations } from './operations.ts';

const LARGEST_BODY = 64 * 1024;

/** The API of administrators. */
export interface Admin {
  /** Null where none is configured. */
  readonly address: string | null;
  stop(): Promise<void>;
}

/** Starts it on its own port, for keys of administrators and nobody else. Throws StenoError `port_in_use`. */
export async function startAdmin(deps: {
  readonly config: Config;
  readonly events: EventLog;
  readonly topics: { readonly identities: string; readonly answers: string };
  readonly identity: Identity;
  readonly pepper: Buffer;
  readonly models: ModelDirectory;
  readonly configuration: Configuration;
  readonly producer: Producer;
  readonly tracer: Tracer;
  readonly isDraining: () => boolean;
}): Promise<Admin> {
  const { config, topics, identity, isDraining } = deps;
  if (config.adminPort === null) return { address: null, stop: () => Promise.resolve() };
  const appender = deps.events.openAppender('identities');
  const appendTo =
    (topic: string): OpenIdentities['append'] =>
    (event) =>
      appender.append([{ ...event, topic, key: event.data.tenantId, partition: null }]);
  const { host, allowedHosts, adminPort: port } = config;
  const app = buildServer({
    port: 'admin',
    operations: adminOperations,
    handlers: {
      ...configHandlers({ configuration: deps.configuration, models: deps.models, actorOf }),
      ...adminHandlers({
        open: {
          ...{ directory: identity.directory, pepper: deps.pepper, producer: deps.producer },
          append: appendTo(topics.identities),
        },
        clearCache: appendTo(topics.answers),
        models: deps.models,
        version: deps.producer.version,
      }),
    },
    keys: identity,
    // No page is meant to call it.
    origins: createOrigins({ host, allowedHosts, allowedOrigins: [], keysRequired: true }),
    maxBodyBytes: LARGEST_BODY,
    tracer: deps.tracer,
    isDraining,
    isRefusing: isDraining,
  });
  let address: string;
  try {
    address = await listen(app, { host, port }, 'STENO_ADMIN_PORT');
  } catch (error) {
    await appender.close();
    throw error;
  }
  return {
    address,
    async stop() {
      await app.close();
      await appender.close();
    },
  };
}
