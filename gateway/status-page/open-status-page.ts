import { hostname } from 'node:os';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Cluster } from '../../streams/cluster.ts';
import type { EventLog } from '../../streams/event-log.ts';
import type { Handlers } from '../http/exchange.ts';
import { operations } from '../http/operations.ts';
import { createStaticFiles } from '../http/static-files.ts';
import { notFound } from '../locate.ts';
import { mayCall } from '../../policies/identity/grants.ts';
import { bearerOf, type Keys } from '../keys.ts';
import { openClusterView } from './cluster-view.ts';
import { pageFiles, pageHeaders, readPageFile, renderPage } from './page.ts';
import { behind, statusOf } from './read-status.ts';
import type { TurnCounter } from './recent-turns.ts';
import type { QueueStatus, Status } from './status.ts';
import { openWorkerView } from './worker-view.ts';

export interface StatusPage {
  readonly handlers: Pick<Handlers, 'index' | 'status' | 'statusFile'>;
  stop(): Promise<void>;
}

/**
 * Opens the page at `/` and the lag metric. Whoever may call the gateway may see it: it shows figures of the whole
 * installation and nothing of any tenant. Broker and samples are read only while somebody looks.
 */
const STATUS = { port: 'clients', method: 'GET', path: '/status.json' } as const;

export function openStatusPage(deps: {
  readonly events: EventLog;
  readonly openCluster: () => Promise<Cluster>;
  readonly prefix: string;
  readonly metricsTopic: string;
  readonly metrics: Metrics;
  readonly keys: Pick<Keys, 'find'>;
  readonly version: string;
  readonly model: string;
  readonly turns: TurnCounter;
  readonly state: () => Status['gateway']['state'];
  readonly queues: () => readonly QueueStatus[];
}): StatusPage {
  const { prefix, version, model, keys } = deps;
  const cluster = openClusterView({ prefix, open: deps.openCluster });
  const workers = openWorkerView(deps.events, deps.metricsTopic);
  const files = createStaticFiles(new Map(pageFiles.map((name) => [name, readPageFile(name)] as const)));
  const paths = operations.map(({ method, path, summary }) => [`${method} ${path}`, summary] as const);
  const index = { name: 'steno', version, paths: Object.fromEntries(paths), websocket: '/v1/chat' };

  deps.metrics.gauges(
    'kafka_consumergroup_lag',
    'Records between the committed offset of a group and the end of the partition, as the broker says.',
    ['consumergroup', 'topic', 'partition'],
    async () => {
      const { problem, lag } = await cluster.read();
      // An old lag would look like a present one.
      if (problem !== null) return [];
      return lag.map((entry) => ({
        labels: { consumergroup: entry.group, topic: entry.topic, partition: String(entry.partition) },
        value: behind(entry),
      }));
    },
  );

  async function read(): Promise<Status> {
    const [clusterFacts, samples] = await Promise.all([cluster.read(), workers.read()]);
    return statusOf({
      prefix,
      nowMs: Date.now(),
      cluster: clusterFacts,
      workers: samples,
      own: {
        version,
        model,
        gateway: {
          state: deps.state(),
          instance: `${hostname()}-${process.pid}`,
          uptimeSeconds: Math.round(performance.now() / 1000),
        },
        queues: deps.queues(),
        turns: deps.turns.read(),
      },
    });
  }

  return {
    handlers: {
      async index(_input, exchange) {
        if (exchange.header('accept')?.includes('text/html') !== true) return { status: 200, body: index };
        const found = await keys.find(bearerOf(exchange.header('authorization') ?? undefined));
        const mayLook = found !== null && mayCall(found.grants, STATUS);
        const body = renderPage(mayLook ? await read() : null, files.version);
        return { status: 200, body, type: 'text/html; charset=utf-8', headers: pageHeaders };
      },
      status: async () => ({ status: 200, body: await read(), headers: { 'cache-control': 'no-store' } }),
      async statusFile({ params }, exchange) {
        const found = await files.reply(params.version, params.file, exchange.header('accept-encoding'));
        if (found === null) throw notFound('file');
        return { ...found, headers: { ...pageHeaders, ...found.headers } };
      },
    },
    async stop() {
      await Promise.all([cluster.stop(), workers.stop()]);
    },
  };
}
