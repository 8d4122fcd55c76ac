import { createCodec } from '../schemas/codec.ts';
import { jsonSafe } from '../schemas/golden.ts';
import { isUnion, type AvroNamed, type AvroRecord, type AvroType } from '../schemas/sources.ts';

/** A log that was recorded from a running installation, as `test/fixtures/record-log.ts` keeps it. */
export type RecordedLog = {
  readonly schemas: Readonly<Record<string, string>>;
  readonly records: readonly { readonly value: string }[];
};

/** Returns a record of every event that the logs hold, as the newest schema reads it and JSON keeps it. */
export function recordedSamples(logs: readonly RecordedLog[]): ReadonlyMap<string, unknown> {
  const samples = new Map<string, unknown>();
  for (const { schemas, records } of logs) {
    const codec = createCodec(new Map());
    for (const [id, schema] of Object.entries(schemas)) codec.learn(Number(id), schema);
    for (const { value } of records) {
      const { type, data } = codec.decode(Buffer.from(value, 'base64'));
      if (!samples.has(type)) samples.set(type, jsonSafe(data));
    }
  }
  return samples;
}

/** Returns a value of the event as such records look, from what its fields are called. */
export function builtSample(event: AvroRecord, types: ReadonlyMap<string, AvroNamed>): unknown {
  return valueOf(event, event.name, event.name, types);
}

/** What a field holds, by its name or by its name within the field or event around it. */
const VALUES: Readonly<Record<string, unknown>> = {
  eventId: 'evt_zaAgZWge5PX1MoR0sd7rix',
  occurredAt: 1_795_439_440_200,
  causationId: 'evt_g6FO8AQcC0dCU5eL7-jqbq',
  correlationId: 'msg_Xx06fdeT3U5baNX_1rddBQ',
  service: 'prepare-turn',
  version: '0.1.0',
  codeVersion: '0.1.0',
  tenantId: 'acme',
  principal: 'ann@acme.example',
  subjectId: 'customer-4711',
  conversationId: 'conv_DBkwWSa_GIzQ_Q7wQ-kGUP',
  conversationPartition: 7,
  messageId: 'msg_Xx06fdeT3U5baNX_1rddBQ',
  throughMessageId: 'msg_Xx06fdeT3U5baNX_1rddBQ',
  messageOffset: 18_204,
  parentId: null,
  inferenceId: 'inf_DBkwWSa_GIzQ_Q7wQ-kGUP',
  requestId: 'evt_g6FO8AQcC0dCU5eL7-jqbq',
  attempt: 1,
  attempts: 1,
  claim: 'claim_936a80c5-8d96-42ed-a33d-214f318266b0',
  workerId: 'worker-a1-4711',
  hostId: 'host-a1',
  engine: 'llama-cpp',
  model: 'smollm2-135m-instruct',
  modelHash: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  pool: 'small',
  tier: 'interactive',
  canaryBucket: -1,
  transport: 'websocket',
  configVersion: 'a4c540f11ba62df0',
  promptHash: '8034e4a4cd68465c9f07790dfe624490714556194f77ec914f8014ac52e370fd',
  templateHash: '5f2e0c4b7d1a9e38',
  textHash: '4a8c0460d11bffbd53e622c2267871ae1ddbf3a6ee5d41a4d8408ae874962eba',
  hash: '3a7546e72dc5108f03722a148e7e376c0d68d1565f8f3316d843832a5e2dc4d7',
  sha256: '4a8c0460d11bffbd53e622c2267871ae1ddbf3a6ee5d41a4d8408ae874962eba',
  replyPartition: 2,
  deltasFrom: 90_412,
  recordPartition: 7,
  recordOffset: 18_206,
  seq: 3,
  seqs: [3],
  firstSeq: 0,
  nextSeq: 12,
  reset: false,
  sameBody: true,
  tokens: 7,
  tokenIds: [11_044],
  budgetTokens: 1_536,
  promptTokens: 15,
  completionTokens: 37,
  cachedTokens: 0,
  tokenCounter: 'model',
  textBytes: 372,
  deltas: 12,
  submittedAt: 1_795_439_439_488,
  startedAt: 1_795_439_439_610,
  endedAt: 1_795_439_440_200,
  recordedAt: 1_795_439_440_200,
  deadlineMillis: 600_000,
  queueMillis: 12,
  firstDeltaMillis: 135,
  totalMillis: 712,
  outcome: 'completed',
  finishReason: 'stop',
  'InferenceEnded.code': null,
  'InferenceEnded.reason': null,
  'TurnMeasured.code': null,
  code: 'engine_failed',
  reason: 'requested by its owner',
  retryable: false,
  costNanos: 46_400,
  currency: 'USD',
  estimated: false,
  maxTokens: 1_000,
  temperature: 0.7,
  topP: 1,
  seed: null,
  stop: [],
  format: null,
  tools: null,
  precedingHeld: 0,
  text: 'An event log keeps what happened, in order.',
  'title.text': 'Event logs',
  'systemPrompt.text': 'Answer in one sentence.',
  'summary.text': 'The user learned what an event log is.',
  sealed: null,
  keyId: null,
  keyIds: ['key_7c1e'],
  toolCall: null,
  toolResult: null,
  'parts.media': null,
  'DocumentSubmitted.content': null,
  labels: { pool: 'small' },
  pinned: true,
  archived: false,
  clearContext: false,
  documentId: 'doc_handbook-2026',
  collection: 'handbook',
  mime: 'application/pdf',
  bytes: 184_320,
  chunker: 'paragraphs-1',
  chunkId: 'doc_handbook-2026#0',
  index: 0,
  startByte: 0,
  endByte: 812,
  sourceId: 'doc_handbook-2026#0',
  sourceKind: 'chunk',
  vector: [0.0123, -0.0456, 0.0789],
  scorer: 'answer-quality',
  scorerVersion: '1',
  metric: 'helpfulness',
  value: 0.92,
  threshold: 0.8,
  statistic: 'psi',
  windowStart: 1_795_435_200_000,
  windowEnd: 1_795_438_800_000,
  active: 3,
  queued: 1,
  slots: 4,
  tokensPerSecond: 61.5,
  eventLoopUtilisation: 0.18,
  cpuUtilisation: 0.43,
  residentBytes: 412_000_000,
  memoryUsedBytes: 9_800_000_000,
  memoryTotalBytes: 25_000_000_000,
  diskUsedBytes: 41_000_000_000,
  diskTotalBytes: 270_000_000_000,
  alertId: 'alert_first-token-small',
  rule: 'first-token-p99',
  severity: 'warning',
  'AlertRaised.summary': 'The first token of pool small takes longer than 2 s.',
  'AlertRaised.value': 2.4,
  'AlertRaised.threshold': 2,
  resolvedBy: 'first-token-p99',
  action: 'start_worker',
  'AccessRecorded.action': 'conversation.read',
  target: 'pool/small',
  succeeded: true,
  resource: 'conversation/conv_DBkwWSa_GIzQ_Q7wQ-kGUP',
  allowed: true,
  purpose: 'support ticket 4711',
};

function valueOf(
  type: AvroType,
  name: string,
  around: string,
  types: ReadonlyMap<string, AvroNamed>,
): unknown {
  const told = VALUES[`${around}.${name}`] ?? VALUES[name];
  if (isUnion(type)) {
    if (`${around}.${name}` in VALUES ? VALUES[`${around}.${name}`] === null : VALUES[name] === null)
      return null;
    return valueOf(type.find((branch) => branch !== 'null') ?? 'null', name, around, types);
  }
  if (typeof type === 'string') {
    const named = types.get(type);
    return named === undefined ? primitive(type, told, name) : valueOf(named, name, around, types);
  }
  switch (type.type) {
    case 'long':
      return typeof told === 'number' ? told : VALUES['occurredAt'];
    case 'array':
      return Array.isArray(told) ? told : [valueOf(type.items, name, around, types)];
    case 'map':
      return typeof told === 'object' && told !== null ? told : {};
    case 'enum':
      return type.symbols.find((symbol) => symbol === told) ?? type.symbols[0];
    case 'record':
      return Object.fromEntries(
        type.fields.map((field) => [field.name, valueOf(field.type, field.name, name, types)]),
      );
  }
}

/** A field that nobody named above holds its own name, or nothing. */
function primitive(type: string, told: unknown, name: string): unknown {
  switch (type) {
    case 'boolean':
      return typeof told === 'boolean' && told;
    case 'string':
      return typeof told === 'string' ? told : name;
    case 'bytes':
      return Buffer.from('00c0ffee', 'hex');
    case 'null':
      return null;
    default:
      return typeof told === 'number' ? told : 0;
  }
}
