import type { Handlers } from '../http/exchange.ts';
import type { ModelDirectory } from '../models.ts';
import { refuse } from '../problems.ts';
import type { Identity } from './open-identity.ts';

/** POST /v1/client-tokens: a server asks for what it hands to the browser of one of its users. */
export function clientTokenHandlers(deps: {
  readonly identity: Pick<Identity, 'clientTokens' | 'required'>;
  readonly models: ModelDirectory;
}): Pick<Handlers, 'createClientToken'> {
  const { identity, models } = deps;
  return {
    async createClientToken({ body }, { call }) {
      const { tenantId, keyId } = call.caller;
      if (keyId === null && identity.required) {
        throw refuse('permission_denied', 'client tokens are made with an API key', { fix: 'use one' });
      }
      const bearer = {
        tenantId,
        keyId,
        principal: `user:${body.user}`,
        models: body.models?.map((name) => idOf(models, name)) ?? null,
        expiresAt: Date.now() + body.ttl_seconds * 1000,
      };
      return {
        status: 201,
        headers: { 'cache-control': 'no-store' },
        body: {
          token: identity.clientTokens.seal(bearer),
          user: body.user,
          expires_at: Math.floor(bearer.expiresAt / 1000),
        },
      };
    },
  };
}

function idOf(models: ModelDirectory, name: string): string {
  const found = models.resolve(name);
  if (found !== null) return found.id;
  throw refuse('model_not_found', 'no model has this name', { param: 'models', fix: 'see GET /v1/models' });
}
