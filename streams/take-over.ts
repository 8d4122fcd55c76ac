import type { AttemptReason } from '../schemas/generated/types.ts';
import { envelope, type Cause, type NewEvent } from './event.ts';
import type { EventAppender, EventLog } from './event-log.ts';
import { readDelta, startReading, type Reading, type ReplyEvent } from './read-deltas.ts';
import { appendUntilDone } from './runner/append-until-done.ts';
import { decodeBatch } from './runner/decode-batch.ts';

/** Whose inference it is and where its answer lies. */
export type Abandoned = {
  readonly cause: Cause;
  readonly conversationId: string;
  readonly inferenceId: string;
  readonly replyPartition: number;
  readonly deltasFrom: number;
};

/** Who takes over. `claim` is fresh for every try. */
export type Taker = {
  readonly claim: string;
  readonly reason: AttemptReason;
  readonly workerId: string;
  readonly service: string;
  readonly version: string;
  readonly engine: string;
  readonly model: string;
};

/** What the taker found up to its own fence. `won` is false if another claim took the same number, or it had ended. */
export type Fenced = { readonly attempt: number; readonly reading: Reading; readonly won: boolean };

/** Returns the event that opens an attempt; on the conversation's log it is the same but for where it lies. */
export function attemptStarted(
  inference: Pick<Abandoned, 'cause' | 'conversationId' | 'inferenceId'>,
  taker: Taker,
  attempt: number,
  occurredAt: number,
): Extract<NewEvent, { type: 'AttemptStarted' }>['data'] {
  const { claim, reason, workerId, engine, model } = taker;
  const producer = { service: taker.service, version: taker.version };
  return {
    ...envelope(inference.cause, `attempt:${attempt}:${claim}`, producer, occurredAt),
    conversationId: inference.conversationId,
    inferenceId: inference.inferenceId,
    attempt,
    claim,
    reason,
    workerId,
    engine,
    model,
  };
}

/**
 * First step of a taker: reads the reply partition to its end, appends AttemptStarted of the next number there, and
 * reads on up to it. The order of the partition decides who won. Waits as long as the log does; throws the signal's
 * reason when it aborts.
 */
export async function fenceReplies(
  ports: { readonly events: EventLog; readonly appender: EventAppender; readonly deltasTopic: string },
  inference: Abandoned,
  taker: Taker,
  signal: AbortSignal,
): Promise<Fenced> {
  const { events, appender, deltasTopic } = ports;
  const end = (await events.log.offsets(deltasTopic, 'end'))[inference.replyPartition] ?? 0;
  let reading: Reading = startReading;
  let attempt = 0;
  let settle: (fenced: Fenced) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const done = new Promise<Fenced>((resolve, reject) => ([settle, fail] = [resolve, reject]));
  // Whoever awaits it later still sees the rejection; this keeps it from being unhandled meanwhile.
  done.catch(() => undefined);

  async function appendFence(): Promise<void> {
    // From 2 on, even where nothing was read: a zombie's first attempt may still be on its way.
    attempt = Math.max(2, reading.attempt + 1);
    const data = attemptStarted(inference, taker, attempt, Date.now());
    const fence: NewEvent = {
      type: 'AttemptStarted',
      data,
      topic: deltasTopic,
      key: inference.inferenceId,
      partition: inference.replyPartition,
    };
    await appendUntilDone(appender, [fence], signal);
  }

  const follower = events.log.openFollower({
    name: `take-over-${inference.inferenceId}`,
    async onBatch(batch) {
      const own = batch.records.filter((record) => record.key?.toString('utf8') === inference.inferenceId);
      for (const event of (await decodeBatch(events, own, signal)).events) {
        if (!isReply(event)) continue;
        const fence = event.type === 'AttemptStarted' && event.data.claim === taker.claim;
        [reading] = readDelta(reading, event);
        if (reading.ended !== null || fence) {
          settle({ attempt, reading, won: reading.ended === null && reading.claim === taker.claim });
          return;
        }
      }
      if (attempt === 0 && batch.nextOffset >= end) appendFence().catch(fail);
    },
    onFailure: fail,
  });
  const abort = (): void => fail(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    const from = await follower.add(deltasTopic, inference.replyPartition, inference.deltasFrom);
    if (from >= end) await appendFence();
    return await done;
  } finally {
    signal.removeEventListener('abort', abort);
    await follower.stop();
  }
}

function isReply(event: { readonly type: string }): event is ReplyEvent {
  return ['AttemptStarted', 'InferenceDelta', 'InferenceEnded', 'InferenceAttached'].includes(event.type);
}
