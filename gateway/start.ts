import type { ConversationQueries } from '../projections/conversations/queries.ts';
import type { UsageQueries } from '../projections/usage/queries.ts';
import { errorCode } from '../runtime/errors.ts';
import type { RoleContext, RunningRole } from '../runtime/role.ts';
import type { Cluster } from '../streams/cluster.ts';
import type { EventLog } from '../streams/event-log.ts';
import { createAccessRecord } from './access.ts';
import { startAdmin, type Admin } from './admin/start-admin.ts';
import { boundAppends } from './bound-appends.ts';
import { drain } from './drain.ts';
import { chatHandlers } from './http/chat-handlers.ts';
import { historyHandlers } from './http/history-handlers.ts';
import { probeHandlers } from './http/probe-handlers.ts';
import { operations } from './http/operations.ts';
import { buildServer } from './http/server.ts';
import { clientTokenHandlers } from './identity/client-token-handlers.ts';
import { connectIdentity } from './identity/connect-identity.ts';
import { CREDENTIAL_CHECK_MS, openKeys } from './keys.ts';
import { knownEnd } from './known-end.ts';
import { listen } from './listen.ts';
import { createLimiter } from './limits/limiter.ts';
import { limitsHandlers } from './limits/limits-handlers.ts';
import { createPatience } from './limits/patience.ts';
import { createLocate } from './locate.ts';
import { gatewayMetrics } from './metrics.ts';
import type { ModelDirectory } from './models.ts';
import { createAbandonment } from './openai/abandonment.ts';
import { completionHandlers } from './openai/completion-handlers.ts';
import { modelHandlers } from './openai/model-handlers.ts';
import { createRepeats } from './openai/repeats.ts';
import { createResponseHandlers } from './openai/responses/create-handlers.ts';
import { createFindResponse } from './openai/responses/find-response.ts';
import { storedResponseHandlers } from './openai/responses/stored-handlers.ts';
import { createOrigins } from './origins.ts';
import { createQueues } from './queues.ts';
import { replyPartitionOf } from './reply-partition.ts';
import { connectRouting } from './routing/connect-routing.ts';
import { createServedModels } from './served-models.ts';
import { createGuard } from './guard.ts';
import { createSignals } from './signals.ts';
import { openStatusPage } from './status-page/open-status-page.ts';
import { createFlushQueue } from './streams/flush-queue.ts';
import { startOpenStreams, type OpenStreams } from './streams/open-streams.ts';
import { createSubmit } from './submit.ts';
import { subscriptionHandlers } from './subscriptions/handlers.ts';
import { createSubscriptions } from './subscriptions/open-subscriptions.ts';
import { createTokens } from './token.ts';
import type { GatewayTopics } from './topics.ts';
import { countUnread } from './unread-bytes.ts';
import { webHandlers } from './web-pages/web-handlers.ts';
import { acceptSockets } from './websocket/accept-sockets.ts';

type GatewayPorts = {
  readonly context: RoleContext;
  readonly events: EventLog;
  /** Asked what groups and workers do, only while somebody looks at it. */
  readonly openCluster: () => Promise<Cluster>;
  readonly topics: GatewayTopics;
  readonly deltaPartitions: number;
  readonly conversationPartitions: number;
  readonly models: ModelDirectory;
  /** The same models as they are recorded. */
  readonly catalogue: unknown;
  readonly queries: ConversationQueries;
  readonly usage: UsageQueries;
  /** What limits of spending are in. */
  readonly currency: string;
  /** Seals resume tokens: the same on every gateway. */
  readonly tokenSecret: Buffer;
  /** Keys on the log are hashed under it: the same on every gateway. */
  readonly keyPepper: Buffer;
  readonly version: string;
};

/**
 * Starts a gateway; it takes messages once this resolves.
 * Throws StenoError `keys_required`, `bad_keys_file`, `bad_config` and `port_in_use`.
 */
export async function startGateway(ports: GatewayPorts): Promise<RunningRole> {
  const { context, events, topics, queries, version } = ports;
  const { config, logger } = context;
  const file = openKeys(config, logger);
  const origins = createOrigins({ ...config, keysRequired: file.required });
  const state = { draining: false, refusing: false, failed: false };
  const fail = (error: unknown): void => {
    state.failed = true;
    context.fail(error);
  };
  const queues = createQueues(config);
  const { most } = queues;
  const appender = boundAppends(events.openAppender('gateway'), most.pending);
  queues.watch('pending', () => appender.pending);
  const metrics = gatewayMetrics(context.metrics, queues);
  const keys = await connectIdentity({
    ...{ context, config, events, operations, others: file, topic: topics.identities },
    ...{ pepper: ports.keyPepper, secret: ports.tokenSecret },
    onPoison: metrics.onPoison,
    onFailure: fail,
  });
  const producer = { service: 'gateway', version };
  const connected = await connectRouting({
    ...{ context, events, topics, producer, models: ports.models, catalogue: ports.catalogue },
    onPoison: metrics.onPoison,
    onFailure: fail,
  });
  const models = connected.routing;
  const flushLater = createFlushQueue();
  const tokens = createTokens(ports.tokenSecret);
  const topic = topics.conversations;

  const startedStreams = await startOpenStreams({
    events,
    topics,
    partition: replyPartitionOf(config, ports.deltaPartitions),
    maxOpen: most.streams,
    queries,
    onPoison: metrics.onPoison,
    onFailure: fail,
  });
  const abandonment = createAbandonment({
    isRead: (inferenceId) => startedStreams.isRead(inferenceId),
    onFailure: (error) => logger.warn('an abandoned answer goes on to its end', { code: errorCode(error) }),
  });
  const opened: OpenStreams = {
    ...startedStreams,
    resume(options) {
      abandonment.attached(options.place.inferenceId);
      return startedStreams.resume(options);
    },
  };
  queues.watch('streams', () => opened.count());
  const isDraining = (): boolean => state.refusing;
  const served = createServedModels({ prefix: config.topicPrefix, models, openCluster: ports.openCluster });
  const limiter = createLimiter({
    ...{ events, topics, producer, queries: ports.usage, currency: ports.currency },
    limitsOf: (owner) => keys.limitsOf(owner),
    onPoison: metrics.onPoison,
    onFailure: fail,
  });
  const patience = createPatience(config.maxWaitSeconds * 1000);
  context.metrics.gauge(
    'steno_gateway_estimated_wait_seconds',
    'What a message that comes now will wait for its first token, in the longest of the queues.',
    () => patience.worstSeconds(),
  );
  const guard = createGuard(keys);
  const submit = createSubmit({
    appender,
    streams: opened,
    routing: models,
    tokens,
    topic,
    producer,
    isDraining,
    limiter,
    guard,
    turnsTopic: topics.turns,
    patience,
    isKnown: (tenantId, inferenceId) => knownEnd(queries, tenantId, inferenceId) !== null,
    served,
    ...metrics,
  });
  const access = createAccessRecord({ appender, topic: topics.audit, producer });
  const subscriptions = createSubscriptions({
    ...{ events, prefix: config.topicPrefix, most: most.subscriptions, flushLater },
    onPoison: metrics.onPoison,
    onBroken: (error) => logger.warn('a subscription broke off', { code: errorCode(error) }),
  });
  queues.watch('subscriptions', () => subscriptions.count());
  const locate = createLocate({
    ...{ log: events.log, topic, partitions: ports.conversationPartitions },
    ...{ queries, streams: opened, tokens, access },
  });
  const find = createFindResponse({ locate, queries });
  const repeats = createRepeats();
  const signals = createSignals({ appender, locate, queries, guard, topics, producer });

  const health = (): 'healthy' | 'draining' | 'unhealthy' =>
    state.failed ? 'unhealthy' : state.draining ? 'draining' : 'healthy';
  const page = openStatusPage({
    ...{ events, keys, version, metrics: context.metrics, turns: metrics.turns },
    openCluster: ports.openCluster,
    prefix: config.topicPrefix,
    metricsTopic: topics.metrics,
    model: models.resolve(null)?.id ?? '',
    state: health,
    queues: () => queues.list(),
  });

  const app = buildServer({
    port: 'clients',
    operations,
    handlers: {
      ...page.handlers,
      ...webHandlers(),
      ...chatHandlers({ submit, streams: opened, locate, signals, flushLater }),
      ...completionHandlers({ submit, signals, models, flushLater, abandonment, repeats }),
      ...createResponseHandlers({ submit, guard, find, queries, flushLater, repeats }),
      ...storedResponseHandlers({ find, streams: opened, signals, flushLater }),
      ...modelHandlers({ routing: models, served }),
      ...historyHandlers({ queries, locate, signals, access }),
      ...clientTokenHandlers({ identity: keys, models }),
      ...subscriptionHandlers({ subscriptions, access, prefix: config.topicPrefix, version }),
      ...limitsHandlers({ limiter, currency: ports.currency }),
      ...probeHandlers({
        metrics: context.metrics,
        version,
        parts: () => ({
          log: state.failed ? 'failed' : 'connected',
          streams: `${opened.count()} open`,
          sockets: `${accepted.count()} open`,
        }),
        state: health,
      }),
    },
    keys,
    origins,
    maxBodyBytes: config.maxMessageBytes,
    tracer: context.tracer,
    isDraining: () => state.draining,
    isRefusing: isDraining,
  });
  context.metrics.gauge(
    'steno_gateway_unread_bytes',
    'Bytes that wait for clients to read: 256 KiB each and what one turn of the event loop adds.',
    countUnread(app.server),
  );
  const accepted = acceptSockets(app.server, {
    ...{ keys, submit, streams: opened, locate, signals, origins, isDraining, flushLater },
    tracer: context.tracer,
    maxFrameBytes: config.maxMessageBytes,
    maxSockets: most.sockets,
  });
  queues.watch('sockets', () => accepted.count());

  const checks = setInterval(() => {
    opened.checkCredentials();
    subscriptions.checkCredentials();
  }, CREDENTIAL_CHECK_MS);
  checks.unref();

  let admin: Admin | null = null;
  async function closeAll(): Promise<void> {
    clearInterval(checks);
    abandonment.close();
    await admin?.stop();
    // Streams that are still there break off at once: their clients go on elsewhere.
    await Promise.all([
      opened.stop(),
      page.stop(),
      subscriptions.stop(),
      served.stop(),
      limiter.stop(),
      keys.stop(),
      connected.stop(),
    ]);
    await appender.close();
  }
  let address: string;
  try {
    admin = await startAdmin({
      ...{ config, events, models, producer, isDraining, topics, identity: keys },
      configuration: connected.configuration,
      ...{ pepper: ports.keyPepper, tracer: context.tracer },
    });
    address = await listen(app, config, 'PORT');
  } catch (error) {
    await closeAll();
    throw error;
  }
  logger.info('gateway takes messages', { address, replyPartition: opened.replyPartition });
  if (admin.address !== null) logger.info('administrators are served', { address: admin.address });

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
      stopping ??= drain({
        state,
        streams: opened,
        subscriptions,
        sockets: accepted,
        app,
        closeAll,
      });
      return stopping;
    },
  };
}
