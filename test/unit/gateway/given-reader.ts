import { openReader, type StreamReader } from '../../../gateway/streams/stream-reader.ts';
import type { FrameSink } from '../../../gateway/streams/frames.ts';
import type { RecordedAnswer } from '../../../gateway/streams/recorded-answer.ts';
import type { EventOf, InferenceEnded } from '../../../schemas/generated/types.ts';
import { sha256 } from '../../../streams/ids.ts';
import type { ReplyEvent } from '../../../streams/read-deltas.ts';

const ID = 'inf_1';

export function started(attempt: number, claim: string): ReplyEvent {
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

export function delta(claim: string, seq: number, text: string, reset = false): ReplyEvent {
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

export function ended(text: string, seq: number, fields: Partial<InferenceEnded> = {}): ReplyEvent {
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

export function attached(sameBody: boolean, first = { replyPartition: 5, deltasFrom: 40 }): ReplyEvent {
  return {
    type: 'InferenceAttached',
    data: { inferenceId: ID, conversationId: 'conv_1', messageId: 'msg_1', ...first, sameBody },
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

export function recorded(text: string, deltaBytes: readonly number[], firstSeq = 0): RecordedAnswer {
  const end = {
    outcome: 'completed' as const,
    finishReason: 'stop',
    model: 'm',
    promptTokens: 2,
    completionTokens: 3,
    cachedTokens: 0,
  };
  return { text, firstSeq, nextSeq: firstSeq + deltaBytes.length, deltaBytes, deltaMillis: [], end };
}

export type Opened = Seen & {
  readonly reader: StreamReader;
  readonly followed: string[];
  readonly closed: () => number;
};

export function open(
  options: { cursor?: number; paced?: boolean; submitted?: boolean; record?: RecordedAnswer } = {},
): Opened {
  const { log, sink } = seen();
  const followed: string[] = [];
  let closed = 0;
  const reader = openReader({
    inferenceId: ID,
    place,
    sink,
    paced: options.paced ?? false,
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
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function feed(reader: StreamReader, ...events: readonly ReplyEvent[]): void {
  for (const event of events) reader.handle(event);
}
