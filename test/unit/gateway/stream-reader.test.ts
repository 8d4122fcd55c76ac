import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openReader, type StreamReader } from '../../../gateway/streams/stream-reader.ts';
import type { FrameSink } from '../../../gateway/streams/frames.ts';
import type { RecordedAnswer } from '../../../gateway/streams/recorded-answer.ts';
import type { EventOf, InferenceEnded } from '../../../schemas/generated/types.ts';
import { sha256 } from '../../../streams/ids.ts';
import type { ReplyEvent } from '../../../streams/read-deltas.ts';

const ID = 'inf_1';

function started(attempt: number, claim: string): ReplyEvent {
  const data: EventOf<'AttemptStarted'>['data'] = {
    eventId: `evt_${claim}`,
    occurredAt: 0,
    causationId: 'req',
    correlationId: 'msg_1',
    producer: { service: 'worker', version: '1' },
    tenantId: 'acme',
    conversationId: 'conv_1',
    inferenceId: ID,
    attempt,
    claim,
    reason: 'first',
    workerId: 'w1',
    engine: 'scripted',
    model: 'm',
  };
  return { type: 'AttemptStarted', data };
}

function delta(claim: string, seq: number, text: string, reset = false): ReplyEvent {
  return {
    type: 'InferenceDelta',
    data: {
      inferenceId: ID,
      claim,
      seq,
      reset,
      text: { text, sealed: null, keyId: null },
      tokens: 1,
      tokenIds: [],
    },
  };
}

function ended(text: string, seq: number, fields: Partial<InferenceEnded> = {}): ReplyEvent {
  return {
    type: 'InferenceEnded',
    data: {
      inferenceId: ID,
      conversationId: 'conv_1',
      messageId: 'msg_1',
      outcome: 'completed',
      claim: 'a',
      seq,
      textBytes: Buffer.byteLength(text),
      textHash: sha256(text),
      recordedAt: 0,
      recordPartition: 3,
      recordOffset: 7,
      model: 'm',
      finishReason: 'stop',
      code: null,
      reason: null,
      retryable: false,
      promptTokens: 2,
      completionTokens: 3,
      cachedTokens: 0,
      submittedAt: 0,
      ...fields,
    },
  };
}

function attached(sameBody: boolean): ReplyEvent {
  return {
    type: 'InferenceAttached',
    data: {
      inferenceId: ID,
      conversationId: 'conv_1',
      messageId: 'msg_1',
      replyPartition: 5,
      deltasFrom: 40,
      sameBody,
    },
  };
}

const place = {
  tenantId: 'acme',
  conversationId: 'conv_1',
  messageId: 'msg_1',
  inferenceId: ID,
  replyPartition: 2,
  deltasFrom: 10,
};

type Seen = { readonly log: string[]; readonly sink: FrameSink };

function seen(): Seen {
  const log: string[] = [];
  const sink: FrameSink = {
    accepted: () => void log.push('accepted'),
    started: () => undefined,
    delta: (seq, text) => void log.push(`${seq}:${text}`),
    reset: (seq) => void log.push(`${seq}:reset`),
    done: (seq, end, again) => void log.push(`${seq}:${end.outcome}${again ? ' again' : ''}`),
    error: (problem, seq) => void log.push(`${seq ?? '-'}:error ${problem.status} ${problem.code}`),
    draining: (cursor) => void log.push(`draining ${cursor}`),
    breakOff: () => void log.push('broken off'),
    writable: () => Promise.resolve(),
    isClosed: () => false,
  };
  return { log, sink };
}

function recorded(text: string, deltaBytes: readonly number[], firstSeq = 0): RecordedAnswer {
  const end = {
    outcome: 'completed' as const,
    finishReason: 'stop',
    model: 'm',
    promptTokens: 2,
    completionTokens: 3,
    cachedTokens: 0,
  };
  return { text, firstSeq, nextSeq: firstSeq + deltaBytes.length, deltaBytes, end };
}

type Opened = Seen & {
  readonly reader: StreamReader;
  readonly followed: string[];
  readonly closed: () => number;
};

function open(options: { cursor?: number; submitted?: boolean; record?: RecordedAnswer } = {}): Opened {
  const { log, sink } = seen();
  const followed: string[] = [];
  let closed = 0;
  const reader = openReader({
    inferenceId: ID,
    sink,
    cursor: options.cursor ?? -1,
    accepted: options.submitted === false ? null : { place, token: 't', clientId: null },
    readRecord: (partition, offset) => {
      followed.push(`record ${partition}/${offset}`);
      return options.record === undefined
        ? Promise.reject(new Error('no record'))
        : Promise.resolve(options.record);
    },
    onAttached: (_reader, { replyPartition, deltasFrom }) =>
      void followed.push(`follow ${replyPartition}/${deltasFrom}`),
    onFirstDelta: () => undefined,
    onClose: () => {
      closed += 1;
    },
  });
  return { log, sink, reader, followed, closed: () => closed };
}

/** Lets promises that are already resolved run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function feed(reader: StreamReader, ...events: readonly ReplyEvent[]): void {
  for (const event of events) reader.handle(event);
}

test('an answer is shown as it comes, and done only at its end', () => {
  const { reader, log, closed } = open();
  reader.acknowledge();
  feed(reader, started(1, 'a'), delta('a', 0, 'Hel'), delta('a', 1, 'lo'), ended('Hello', 2));
  assert.deepEqual(log, ['accepted', '0:Hel', '1:lo', '2:completed']);
  assert.equal(closed(), 1);
});

test('what is read before the append was acknowledged proves that the message is on the log', () => {
  const { reader, log } = open();
  feed(reader, started(1, 'a'), delta('a', 0, 'x'));
  reader.acknowledge();
  assert.deepEqual(log, ['accepted', '0:x']);
  assert.equal(reader.isAcknowledged(), true);
});

test('deltas of a claim that lost, repeats and gaps are not shown', () => {
  const { reader, log } = open();
  feed(reader, started(1, 'a'), started(1, 'z'), delta('z', 0, 'no'), delta('a', 0, 'A'), delta('a', 0, 'A'));
  feed(
    reader,
    delta('a', 2, 'gap'),
    started(2, 'b'),
    delta('a', 1, 'late'),
    delta('b', 1, 'B'),
    ended('AB', 2),
  );
  assert.deepEqual(log, ['accepted', '0:A', '1:B', '2:completed']);
});

test('a reset takes text back and takes a seq', () => {
  const { reader, log } = open();
  feed(
    reader,
    started(1, 'a'),
    delta('a', 0, 'bad'),
    started(2, 'b'),
    delta('b', 1, '', true),
    delta('b', 2, 'good'),
  );
  feed(reader, ended('good', 3));
  assert.deepEqual(log, ['accepted', '0:bad', '1:reset', '2:good', '3:completed']);
});

test('at the end the rest that was not read comes from the record, in its original pieces', async () => {
  const { reader, log, followed } = open({ record: recorded('Hello you', [3, 2, 4]) });
  feed(reader, started(1, 'a'), delta('a', 0, 'Hel'), ended('Hello you', 3));
  await settled();
  assert.deepEqual(followed, ['record 3/7']);
  assert.deepEqual(log, ['accepted', '0:Hel', '1:lo', '2: you', '3:completed']);
});

test('at the end other text is taken back and the recorded text is shown', async () => {
  const { reader, log } = open({ record: recorded('Bye', [3]) });
  feed(reader, started(1, 'a'), delta('a', 0, 'Hello'), ended('Bye', 1));
  await settled();
  assert.deepEqual(log, ['accepted', '0:Hello', '1:reset', '2:Bye', '3:completed']);
});

test('an end before any delta shows the record once the message is known to be the first', async () => {
  const { reader, log } = open({ record: recorded('Hello', [3, 2]) });
  feed(reader, ended('Hello', 2), attached(true));
  await settled();
  assert.deepEqual(log, ['accepted', '0:Hel', '1:lo', '2:completed']);
});

test('a repeat follows the first message from its first record', () => {
  const { reader, log, followed } = open();
  feed(reader, delta('a', 4, 'middle'), attached(true), started(1, 'a'), delta('a', 0, 'x'), ended('x', 1));
  assert.deepEqual(followed, ['follow 5/40']);
  assert.deepEqual(log, ['accepted', '0:x', '1:completed']);
});

test('another message under the same key is refused with 422, and nothing of the first is shown', () => {
  const { reader, log, closed } = open();
  feed(reader, ended('secret', 2), attached(false));
  assert.deepEqual(log, ['-:error 422 idempotency_mismatch']);
  assert.equal(closed(), 1);
});

test('a resume drops what the client has and a finished one says that there is nothing more', () => {
  const { reader, log } = open({ submitted: false, cursor: 0 });
  feed(reader, started(1, 'a'), delta('a', 0, 'Hel'), delta('a', 1, 'lo'), ended('Hello', 2));
  assert.deepEqual(log, ['1:lo', '2:completed']);
  const again = open({ submitted: false, cursor: 2 });
  feed(again.reader, started(1, 'a'), delta('a', 0, 'Hel'), delta('a', 1, 'lo'), ended('Hello', 2));
  assert.deepEqual(again.log, ['2:completed again']);
});

test('after the deltas have expired the record answers with the same seqs', async () => {
  const { reader, log } = open({ submitted: false, cursor: 0 });
  reader.showRecord(recorded('Hello you', [3, 2, 4]));
  await settled();
  assert.deepEqual(log, ['1:lo', '2: you', '3:completed']);
});

test('failures and rejections are errors with their code', () => {
  const failed = open();
  feed(
    failed.reader,
    started(1, 'a'),
    delta('a', 0, 'x'),
    ended('x', 1, { outcome: 'failed', code: 'timeout', retryable: true }),
  );
  assert.deepEqual(failed.log, ['accepted', '0:x', '1:error 504 timeout']);
  const rejected = open();
  feed(
    rejected.reader,
    ended('', 0, { outcome: 'rejected', code: 'not_found', reason: 'no such conversation' }),
  );
  assert.deepEqual(rejected.log, ['accepted', '0:error 404 not_found']);
});

test('a stop ends the stream as cancelled, with what was said', () => {
  const { reader, log } = open();
  feed(reader, started(1, 'a'), delta('a', 0, 'x'), ended('x', 1, { outcome: 'cancelled', code: 'stop' }));
  assert.deepEqual(log, ['accepted', '0:x', '1:cancelled']);
});

test('a record that cannot be read ends the stream with an error, not with done', async () => {
  const { reader, log } = open();
  feed(reader, started(1, 'a'), delta('a', 0, 'x'), ended('xyz', 2));
  await settled();
  assert.deepEqual(log, ['accepted', '0:x', '-:error 500 internal_error']);
});

test('draining names the cursor; breaking off closes once', () => {
  const { reader, log, closed } = open();
  feed(reader, started(1, 'a'), delta('a', 0, 'x'), delta('a', 1, 'y'));
  reader.drain();
  reader.breakOff();
  reader.breakOff();
  feed(reader, delta('a', 2, 'z'));
  assert.deepEqual(log, ['accepted', '0:x', '1:y', 'draining 1', 'broken off']);
  assert.equal(closed(), 1);
});
