import { canonicalJson } from '../../policies/configuration/diff.ts';
import { errorCode } from '../../runtime/errors.ts';
import type { RoleContext } from '../../runtime/role.ts';
import type { Producer } from '../../schemas/generated/types.ts';
import type { EventLog } from '../../streams/event-log.ts';
import type { ModelDirectory } from '../models.ts';
import { openConfiguration, versionOf, type Configuration, type ConfigOrder } from './configuration.ts';
import { readRoutes } from './routes-schema.ts';
import { createRouting, type Routing } from './routing.ts';
import { watchCanaries } from './watch-canaries.ts';

/** Routes as the log has them, followed while this gateway runs. */
export type ConnectedRouting = {
  readonly routing: Routing;
  readonly configuration: Configuration;
  readonly stop: () => Promise<void>;
};

/**
 * Connects the routes with the log; resolves when all that was said until now holds. The catalogue that this gateway was
 * started with is recorded where it is another one than before.
 */
export async function connectRouting(options: {
  readonly context: RoleContext;
  readonly events: EventLog;
  readonly topics: { readonly configuration: string; readonly turns: string };
  readonly models: ModelDirectory;
  /** The catalogue, by id of the model, as it is recorded. */
  readonly catalogue: unknown;
  readonly producer: Producer;
  readonly onPoison: () => void;
  readonly onFailure: (error: unknown) => void;
}): Promise<ConnectedRouting> {
  const { context, events, topics, models, producer, onPoison, onFailure } = options;
  const { logger } = context;
  const modelsVersion = versionOf(canonicalJson(options.catalogue));
  const routing = createRouting(models, modelsVersion);
  const watch = watchCanaries({
    ...{ events, turnsTopic: topics.turns, onPoison, onFailure },
    onFault(routes, reason) {
      logger.warn('a canary does badly and is taken back', { reason });
      change({ kind: 'routes', document: { routes }, actor: 'rule:canary', reason });
    },
  });
  const configuration = await openConfiguration({
    ...{ events, topic: topics.configuration, producer, onPoison, onFailure },
    onChange({ kind, document, version, at }) {
      if (kind !== 'routes') return;
      const routes = readRoutes(document);
      routing.change(routes, version);
      watch.watch(routes, at);
      logger.info('routes hold', { version, routes: Object.keys(routes).length });
    },
  });

  /** Every gateway sees what this one sees: one of them is first, and the others are told that somebody was. */
  function change(order: ConfigOrder): void {
    configuration.change(order).catch((error: unknown) => {
      if (errorCode(error) !== 'config_conflict')
        logger.warn('the configuration could not be changed', { kind: order.kind, code: errorCode(error) });
    });
  }

  if (configuration.history.current('models')?.version !== modelsVersion) {
    const reason = 'a gateway was started with this catalogue';
    change({ kind: 'models', document: options.catalogue, actor: 'file:models', reason });
  }
  return {
    routing,
    configuration,
    async stop() {
      await watch.stop();
      await configuration.stop();
    },
  };
}
