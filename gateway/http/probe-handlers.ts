import type { Metrics } from '../../runtime/metrics.ts';
import type { Handlers, Reply } from './exchange.ts';
import { openApiOf } from './openapi.ts';
import { operations } from './operations.ts';

/** What operators and tools ask for. */
export function probeHandlers(deps: {
  readonly metrics: Metrics;
  readonly version: string;
  /** What the gateway is made of, and how each part fares. */
  readonly parts: () => Readonly<Record<string, string>>;
  readonly state: () => 'healthy' | 'draining' | 'unhealthy';
}): Pick<Handlers, 'health' | 'live' | 'ready' | 'metrics' | 'openapi'> {
  const { metrics, version, parts, state } = deps;
  const document = JSON.stringify(openApiOf(operations, version));
  return {
    async health() {
      const status = state();
      const body = { status, timestamp: Date.now() / 1000, version, parts: parts() };
      return { status: status === 'healthy' ? 200 : 503, body };
    },
    live: async () => plain(200, 'alive\n'),
    ready: async () => (state() === 'healthy' ? plain(200, 'ready\n') : plain(503, `${state()}\n`)),
    async metrics() {
      return { status: 200, body: await metrics.render(), type: 'text/plain; version=0.0.4; charset=utf-8' };
    },
    openapi: async () => ({ status: 200, body: document }),
  };
}

function plain(status: number, body: string): Reply {
  return { status, body, type: 'text/plain; charset=utf-8' };
}
