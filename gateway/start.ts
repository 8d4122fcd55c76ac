import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyInstance } from 'fastify';
import type { ConversationQueries } from '../projections/conversations/queries.ts';
import type { Config } from '../runtime/config.ts';
import { StenoError, errorCode } from '../runtime/errors.ts';
import type { RoleContext, RunningRole } from '../runtime/role.ts';
import type { EventLog } from '../streams/event-log.ts';
import { partitionOf } from '../streams/partition.ts';
import { drain } from './drain.ts';
import { chatHandlers } from './http/chat-handlers.ts';
import { historyHandlers } from './http/history-handlers.ts';
import { probeHandlers } from './http/probe-handlers.ts';
import { buildServer } from './http/server.ts';
import { openKeys } from './keys.ts';
import { createLocate } from './locate.ts';
import { gatewayMetrics } from './metrics.ts';
import type { ModelDirectory } from './models.ts';
import { createOrigins } from './origins.ts';
import { createSignals } from './signals.ts';
import { createFlushQueue } from './streams/flush-queue.ts';
import { startOpenStreams, type OpenStreams } from './streams/open-streams.ts';
import { createSubmit } from './submit.ts';
import { createTokens } from './token.ts';
import { acceptSockets, type Sockets } from './websocket/accept-sockets.ts';

type GatewayPorts = {
  readonly context: RoleContext;
  readonly events: EventLog;
  readonly topics: { readonly conversations: string; readonly deltas: string };
  readonly deltaPartitions: number;
  readonly conversationPartitions: number;
  readonly models: ModelDirectory;
  readonly queries: ConversationQueries;
  /** Seals resume tokens: the same on every gateway. */
  readonly tokenSecret: Buffer;
  readonly version: string;
};

/** A socket may stream several answers, and one that streams none still costs memory. */
const SOCKETS_PER_STREAM = 4;

/**
 * Starts a gateway; it takes messages once this resolves.
 * Throws StenoError `keys_required`, `bad_keys_file`, `bad_config` and `port_in_use`.
 */
export async function startGateway(ports: GatewayPorts): Promise<RunningRole> {
  const { context, events, topics, models, queries, version } = ports;
  const { config, logger } = context;
  const keys = openKeys(config.keysFile, config.host, logger);
  const origins = createOrigins({ ...config, keysRequired: keys.required });
  const state = { draining: false, refusing: false, failed: false };
  const fail = (error: unknown): void => {
    state.failed = true;
    context.fail(error);
  };
  // The gauges read these once both are there.
  let streams: OpenStreams | null = null;
  let sockets: Sockets | null = null;
  const metrics = gatewayMetrics(context.metrics, {
    streams: () => streams?.count() ?? 0,
    sockets: () => sockets?.count() ?? 0,
  });
  const flushLater = createFlushQueue();
  const tokens = createTokens(ports.tokenSecret);
  const producer = { service: 'gateway', version };
  const topic = topics.conversations;

  const opened = await startOpenStreams({
    events,
    topics,
    partition: replyPartitionOf(config, ports.deltaPartitions),
    maxOpen: config.maxOpenInferences,
    queries,
    onPoison: metrics.onPoison,
    onFailure: fail,
  });
  streams = opened;
  const appender = events.openAppender('gateway');
  const isDraining = (): boolean => state.refusing;
  const submit = createSubmit({
    appender,
    streams: opened,
    models,
    tokens,
    topic,
    producer,
    isDraining,
    ...metrics,
  });
  const partitions = ports.conversationPartitions;
  const locate = createLocate({ log: events.log, topic, partitions, queries, streams: opened, tokens });
  const signals = createSignals({ appender, locate, queries, topic, producer });

  const app = buildServer({
    handlers: {
      ...chatHandlers({ submit, streams: opened, locate, signals, models, flushLater }),
      ...historyHandlers({ queries, locate }),
      ...probeHandlers({
        metrics: context.metrics,
        version,
        parts: () => ({
          log: state.failed ? 'failed' : 'connected',
          streams: `${opened.count()} open`,
          sockets: `${accepted.count()} open`,
        }),
        state: () => (state.failed ? 'unhealthy' : state.draining ? 'draining' : 'healthy'),
      }),
    },
    keys,
    origins,
    maxBodyBytes: config.maxMessageBytes,
    isDraining: () => state.draining,
  });
  const accepted = acceptSockets(app.server, {
    ...{ keys, submit, streams: opened, locate, signals, origins, isDraining, flushLater },
    maxFrameBytes: config.maxMessageBytes,
    maxSockets: config.maxOpenInferences * SOCKETS_PER_STREAM,
  });
  sockets = accepted;

  async function closeAll(): Promise<void> {
    keys.stop();
    await opened.stop();
    await appender.close();
  }
  let address: string;
  try {
    address = await listen(app, config);
  } catch (error) {
    await closeAll();
    throw error;
  }
  logger.info('gateway takes messages', { address, replyPartition: opened.replyPartition });

  let stopping: Promise<void> | null = null;
  return {
    isReady: () => !state.draining && !state.failed,
    address,
    facts: () => ({
      openStreams: opened.count(),
      openSockets: accepted.count(),
      pendingAppends: appender.pending,
    }),
    stop() {
      stopping ??= drain({ state, streams: opened, sockets: accepted, app, closeAll });
      return stopping;
    },
  };
}

/** The configured partition, else one by hash of what stays the same over restarts. */
function replyPartitionOf(config: Config, partitions: number): number {
  const chosen = config.replyPartition ?? partitionOf(`${hostname()}:${config.port}`, partitions);
  if (chosen < partitions) return chosen;
  throw new StenoError(
    'bad_config',
    `STENO_REPLY_PARTITION is ${chosen}, the topic has ${partitions} partitions`,
    {
      fix: `set it below ${partitions}`,
    },
  );
}

async function listen(app: FastifyInstance, { host, port }: Config): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    if (errorCode(cause) !== 'EADDRINUSE') throw cause;
    throw new StenoError('port_in_use', `port ${port} of ${host} is in use`, {
      fix: 'stop what uses it or set PORT',
      cause,
    });
  }
  // A server that listens on a port has an address of this kind.
  const bound = app.server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound.port}`;
}
