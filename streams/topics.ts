import type { EventType } from '../schemas/generated/types.ts';

/** How long records stay: for ever, for some time, or the last one per key. */
export type Retention =
  | { readonly kind: 'forever' }
  | { readonly kind: 'time'; readonly millis: number }
  | { readonly kind: 'compacted' };

/** One kind of topic. The catalogue below is the one place that says what exists. */
export type Dataset = {
  readonly name: string;
  readonly version: number;
  readonly purpose: string;
  readonly events: readonly EventType[];
  /** What the record's key holds. */
  readonly key: string;
  /** Never changed for a keyed topic: order per key would break. */
  readonly partitions: number;
  readonly retention: Retention;
  /** `record`: a subject per topic and event; `topic`: one subject. */
  readonly subjects: 'record' | 'topic';
  readonly maxRecordBytes: number;
  /** One topic per pool and tier. */
  readonly perPoolAndTier: boolean;
};

export const TIERS = ['interactive', 'standard', 'batch'] as const;

const DAY = 24 * 60 * 60 * 1000;
const MIB = 1024 * 1024;
const FOREVER: Retention = { kind: 'forever' };
const ONE_DAY: Retention = { kind: 'time', millis: DAY };
const A_MONTH: Retention = { kind: 'time', millis: 30 * DAY };

function dataset(
  name: string,
  fields: Omit<Dataset, 'name' | 'version' | 'maxRecordBytes' | 'perPoolAndTier'> & Partial<Dataset>,
): Dataset {
  return { version: 1, maxRecordBytes: MIB, perPoolAndTier: false, ...fields, name };
}

export const datasets = {
  conversations: dataset('conversations', {
    purpose: 'What was asked, answered, stopped, judged, changed and erased: the record.',
    events: [
      'MessageSubmitted',
      'MessageRejected',
      'AttemptStarted',
      'CancelRequested',
      'InferenceCompleted',
      'InferenceFailed',
      'InferenceCancelled',
      'FeedbackGiven',
      'ContextSummarized',
      'ConversationChanged',
      'ConversationErased',
      'SubjectErased',
    ],
    key: 'conversationId',
    partitions: 24,
    retention: FOREVER,
    subjects: 'record',
    maxRecordBytes: 8 * MIB,
  }),
  turns: dataset('turns', {
    purpose:
      'One flat record per turn, without text, what every attempt used and what guards did: for billing, analytics and subscribers.',
    events: ['TurnMeasured', 'UsageRecorded', 'GuardApplied'],
    key: 'conversationId',
    partitions: 6,
    retention: FOREVER,
    subjects: 'record',
  }),
  admissions: dataset('admissions', {
    purpose: 'What was let in of callers with limits, and what was reserved for it: every gateway counts it.',
    events: ['TurnAdmitted'],
    key: 'tenantId',
    partitions: 6,
    retention: ONE_DAY,
    subjects: 'topic',
  }),
  inferenceRequests: dataset('inference-requests', {
    purpose: 'Prompts ready for the workers of one pool and tier.',
    events: ['InferenceRequested'],
    key: 'conversationId',
    partitions: 12,
    retention: ONE_DAY,
    subjects: 'topic',
    maxRecordBytes: 8 * MIB,
    perPoolAndTier: true,
  }),
  inferenceDeltas: dataset('inference-deltas', {
    purpose: 'Streamed answers, piece by piece. A gateway reads the partition it names in its messages.',
    events: ['AttemptStarted', 'InferenceDelta', 'InferenceAttached', 'InferenceEnded'],
    key: 'inferenceId',
    partitions: 16,
    retention: ONE_DAY,
    subjects: 'record',
  }),
  inferenceControl: dataset('inference-control', {
    purpose: 'Cancellations relayed to every worker.',
    events: ['CancelRequested'],
    key: 'inferenceId',
    partitions: 6,
    retention: ONE_DAY,
    subjects: 'topic',
  }),
  content: dataset('content', {
    purpose: 'Documents handed in for retrieval.',
    events: ['DocumentSubmitted', 'DocumentChunked', 'ContentDeleted'],
    key: 'documentId',
    partitions: 6,
    retention: FOREVER,
    subjects: 'record',
  }),
  embeddings: dataset('embeddings', {
    purpose: 'Vectors of chunks, messages and answers.',
    events: ['EmbeddingComputed'],
    key: 'sourceId|modelHash',
    partitions: 6,
    retention: { kind: 'compacted' },
    subjects: 'topic',
  }),
  quality: dataset('quality', {
    purpose: 'Scores of answers and drift of models.',
    events: ['QualityScored', 'DriftMeasured'],
    key: 'conversationId (model for drift)',
    partitions: 6,
    retention: FOREVER,
    subjects: 'record',
  }),
  metrics: dataset('metrics', {
    purpose: 'Samples of workers and hosts.',
    events: ['WorkerSampled', 'HostSampled'],
    key: 'source id',
    partitions: 6,
    retention: A_MONTH,
    subjects: 'record',
  }),
  alerts: dataset('alerts', {
    purpose: 'Alerts and what was done about them.',
    events: ['AlertRaised', 'AlertResolved', 'RemediationApplied'],
    key: 'alertId',
    partitions: 6,
    retention: FOREVER,
    subjects: 'record',
  }),
  audit: dataset('audit', {
    purpose: 'Who read, subscribed, replayed, erased or changed configuration.',
    events: ['AccessRecorded'],
    key: 'tenantId',
    partitions: 6,
    retention: FOREVER,
    subjects: 'record',
  }),
  seals: dataset('seals', {
    purpose:
      'The chain over all other topics that are kept for ever: what it covers cannot be changed unseen.',
    events: ['ChainSealed'],
    key: 'chain',
    // One order makes the chain.
    partitions: 1,
    retention: FOREVER,
    subjects: 'record',
    maxRecordBytes: 8 * MIB,
  }),
  identities: dataset('identities', {
    purpose: 'Keys issued and withdrawn, and what tenants may use: every gateway knows all of it.',
    events: ['ApiKeyIssued', 'ApiKeyRevoked', 'TenantChanged'],
    key: 'tenantId',
    // Everybody reads all of it, in one order.
    partitions: 1,
    retention: FOREVER,
    subjects: 'record',
  }),
  configuration: dataset('configuration', {
    purpose: 'Routes and models, every version of them, and who changed what: gateways follow it.',
    events: ['ConfigChanged'],
    key: 'kind',
    // One order decides whose change came first.
    partitions: 1,
    retention: FOREVER,
    subjects: 'record',
  }),
  answers: dataset('answers', {
    purpose: 'The response cache: answers that may be given again. Every worker knows the latest of them.',
    events: ['AnswerCached', 'CacheCleared'],
    key: 'promptHash, tenantId of CacheCleared',
    partitions: 6,
    retention: ONE_DAY,
    subjects: 'record',
  }),
  deadLetters: dataset('dead-letters', {
    purpose: 'Records that could not be decoded or processed: their original bytes, the reason in headers.',
    events: [],
    key: 'the original key',
    partitions: 6,
    retention: A_MONTH,
    subjects: 'topic',
    // The largest record of any topic, and the headers that say why it is here.
    maxRecordBytes: 9 * MIB,
  }),
} as const;

/** Topics that tenants may subscribe to: kept for ever, and each of their events says whose it is. */
export const SUBSCRIBABLE = [
  'conversations',
  'turns',
  'content',
  'quality',
  'audit',
] as const satisfies readonly (keyof typeof datasets)[];

/** A topic that shall exist on the broker. */
export type Topic = { readonly name: string; readonly dataset: Dataset };

export type PoolName = string;

/** Returns `<prefix>.<dataset>.v<N>`; request topics are asked for with `requestTopic`. */
export function topicName(prefix: string, dataset: Dataset): string {
  return `${prefix}.${dataset.name}.v${dataset.version}`;
}

/** Returns the topic of requests for one pool and tier. */
export function requestTopic(prefix: string, pool: PoolName, tier: string): string {
  const { name, version } = datasets.inferenceRequests;
  return `${prefix}.${name}.${pool}.${tier}.v${version}`;
}

/** Returns every topic that a deployment with these pools needs. */
export function allTopics(prefix: string, pools: readonly PoolName[]): readonly Topic[] {
  return Object.values<Dataset>(datasets).flatMap((dataset): readonly Topic[] =>
    dataset.perPoolAndTier
      ? pools.flatMap((pool) => TIERS.map((tier) => ({ name: requestTopic(prefix, pool, tier), dataset })))
      : [{ name: topicName(prefix, dataset), dataset }],
  );
}

/** Returns the registry subject of an event on a topic (Confluent's TopicRecordNameStrategy or TopicNameStrategy). */
export function subjectOf(topic: Topic, event: EventType): string {
  return topic.dataset.subjects === 'topic' ? `${topic.name}-value` : `${topic.name}-steno.events.${event}`;
}

/** Returns the broker configuration of a topic. */
export function topicConfigs(dataset: Dataset): Readonly<Record<string, string>> {
  const { retention } = dataset;
  return {
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': String(dataset.maxRecordBytes),
    'unclean.leader.election.enable': 'false',
    'cleanup.policy': retention.kind === 'compacted' ? 'compact' : 'delete',
    'retention.ms': retention.kind === 'time' ? String(retention.millis) : '-1',
    'retention.bytes': '-1',
  };
}
