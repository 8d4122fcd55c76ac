import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  terminalOf,
  usageOf,
  type Ending,
  type WorkerIdentity,
} from '../../../inference-workers/terminal.ts';
import type { InferenceRequested } from '../../../schemas/generated/types.ts';
import { deriveId, sha256 } from '../../../streams/ids.ts';
import { given, theOutput } from '../../support/builders-prepare-turn.ts';
import { aCancelRequest, aFirstMessage, CONVERSATION, PARTITION } from '../../support/builders.ts';

const worker: WorkerIdentity = {
  workerId: 'worker_1',
  model: 'scripted',
  pool: 'pool',
  producer: { service: 'inference-worker', version: '1.0.0' },
  engine: 'scripted',
  modelHash: 'hash of the model',
  templateHash: 'hash of the template',
  price: { inputPerMillion: 0.5, outputPerMillion: 1.5, currency: 'EUR' },
};
const request: InferenceRequested = theOutput(
  given([]).when(aFirstMessage('q1')).outputs,
  'InferenceRequested',
).data;
const attempt = { number: 2, claim: 'claim_2', startedAt: 5_000 };
const counts = { promptTokens: 100, completionTokens: 20, cachedTokens: 64 };
const seqs = { firstSeq: 3, nextSeq: 5, deltaBytes: [3, 5], deltaMillis: [10, 20] };
const end = (ending: Ending, text = 'größer'): ReturnType<typeof terminalOf> =>
  terminalOf(request, attempt, { text, seqs }, counts, ending, worker, {
    topic: 'conversations.v1',
    now: 9_000,
    trace: 'trace',
  });
const use = (
  special: Partial<WorkerIdentity['price']> = {},
  used = counts,
  estimated = false,
): ReturnType<typeof usageOf> & { type: 'UsageRecorded' } => {
  const place = { topic: 'turns.v1', now: 9_000, estimated };
  const event = usageOf(
    request,
    attempt,
    used,
    'completed',
    { ...worker, price: { ...worker.price, ...special } },
    place,
  );
  assert.ok(event.type === 'UsageRecorded');
  return event;
};

test('a completion keeps the text, its hash and bytes, where it lies in the stream, and what ran', () => {
  const event = end({ type: 'completed', finishReason: 'length' });
  assert.deepEqual(
    [event.type, event.topic, event.key, event.partition, event.trace],
    ['InferenceCompleted', 'conversations.v1', CONVERSATION, PARTITION, 'trace'],
  );
  assert.ok(event.type === 'InferenceCompleted');
  const { data } = event;
  assert.equal(data.content.text, 'größer');
  assert.equal(data.textBytes, 8);
  assert.equal(data.textHash, sha256('größer'));
  assert.deepEqual(
    [data.firstSeq, data.nextSeq, data.deltaBytes, data.deltaMillis],
    [3, 5, [3, 5], [10, 20]],
  );
  assert.deepEqual([data.attempt, data.claim, data.startedAt, data.occurredAt], [2, 'claim_2', 5_000, 9_000]);
  assert.deepEqual([data.promptTokens, data.completionTokens, data.cachedTokens], [100, 20, 64]);
  assert.deepEqual([data.promptHash, data.requestId], [request.promptHash, request.eventId]);
  assert.equal(data.finishReason, 'length');
});

test('a failure keeps the partial text and says what to do', () => {
  const event = end({ type: 'failed', code: 'timeout', reason: 'too slow', retryable: true }, 'half');
  assert.ok(event.type === 'InferenceFailed');
  const { code, reason, retryable, content } = event.data;
  assert.deepEqual([code, reason, retryable, content.text], ['timeout', 'too slow', true, 'half']);
});

test('a cancellation names the request that a person made, not its relay', () => {
  const relayed = {
    ...aCancelRequest('q1', { reason: 'disconnect' }).data,
    eventId: 'relay',
    causationId: 'cancel_q1',
  };
  const event = end({ type: 'cancelled', cancel: relayed });
  assert.ok(event.type === 'InferenceCancelled');
  assert.deepEqual([event.data.cancelId, event.data.cancelReason], ['cancel_q1', 'disconnect']);
});

test('an end and a usage have one id per claim', () => {
  const event = end({ type: 'completed', finishReason: 'stop' });
  assert.ok('eventId' in event.data);
  assert.equal(event.data.eventId, deriveId('evt', request.eventId, 'end:claim_2'));
  assert.equal(use().data.eventId, deriveId('evt', request.eventId, 'usage:claim_2'));
});

test('cost is tokens times price, in 10^-9 of the currency', () => {
  // 100 x 0.5 / 1,000,000 + 20 x 1.5 / 1,000,000 = 0.00008.
  const { data, topic, key } = use();
  assert.deepEqual([data.costNanos, data.currency], [80_000, 'EUR']);
  assert.deepEqual([topic, key, data.pool, data.tier], ['turns.v1', CONVERSATION, 'pool', 'interactive']);
  assert.deepEqual([data.promptTokens, data.completionTokens, data.cachedTokens], [100, 20, 64]);
});

test('what is free has no currency; what has a price and used nothing keeps it', () => {
  assert.deepEqual(pick(use({ inputPerMillion: 0, outputPerMillion: 0 })), [0, '']);
  assert.deepEqual(pick(use({}, { promptTokens: 0, completionTokens: 0, cachedTokens: 0 })), [0, 'EUR']);
  assert.deepEqual(pick(use({ inputPerMillion: 0.0004, outputPerMillion: 0 })), [40, 'EUR']);

  function pick({ data }: ReturnType<typeof use>): readonly [number, string] {
    return [data.costNanos, data.currency];
  }
});

test('a usage counted by another than its owner says so', () => {
  assert.equal(use().data.estimated, false);
  assert.equal(use({}, counts, true).data.estimated, true);
});
