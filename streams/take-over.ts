import type { AttemptReason } from '../schemas/generated/types.ts';
import { envelope, type Cause, type NewEvent } from './event.ts';
import type { EventAppender, EventLog } from './event-log.ts';
import { PieceKeeper, type Pieces, type Replaced } from './delta-pieces.ts';
import { readDelta, startReading, type Reading, type ReplyEvent } from './read-deltas.ts';
import type { ReadUntil } from './read-until.ts';
import { appendUntilDone } from './runner/append-until-done.ts';

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
export type Fenced = {
  readonly attempt: number;
  readonly reading: Reading;
  readonly pieces: Pieces;
  /** Attempts before it that produced something. */
  readonly replaced: readonly Replaced[];
  readonly won: boolean;
};

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

/** What a taker works with. `reading` is shared, so that takeovers of one assignment read each partition once. */
export type TakerPorts = {
  readonly events: EventLog;
  readonly appender: EventAppender;
  readonly reading: ReadUntil;
  readonly deltasTopic: string;
};

/**
 * First step of a taker: reads the reply partition to its end, appends AttemptStarted of the next number there, and
 * reads on up to it. The order of the partition decides who won. Waits as long as the log does; throws the signal's
 * reason when it aborts.
 */
export async function fenceReplies(
  { events, appender, reading: shared, deltasTopic }: TakerPorts,
  inference: Abandoned,
  taker: Taker,
  signal: AbortSignal,
): Promise<Fenced> {
  const { replyPartition: partition, deltasFrom: from, inferenceId: key } = inference;
  const end = (await events.log.offsets(deltasTopic, 'end'))[partition] ?? 0;
  const keeper = new PieceKeeper();
  // What went wrong with the fence ends the reading too.
  const broken = new AbortController();
  let reading: Reading = startReading;
  let attempt = 0;

  function appendFence(): void {
    // From 2 on, even where nothing was read: a zombie's first attempt may still be on its way.
    attempt = Math.max(2, reading.attempt + 1);
    const data = attemptStarted(inference, taker, attempt, Date.now());
    const fence: NewEvent = { type: 'AttemptStarted', data, topic: deltasTopic, key, partition };
    appendUntilDone(appender, [fence], signal).catch((error: unknown) => broken.abort(error));
  }

  if (from >= end) appendFence();
  return shared.ask({
    ...{ topic: deltasTopic, partition, from, key, signal: AbortSignal.any([signal, broken.signal]) },
    onEvents(found, nextOffset) {
      for (const event of found) {
        if (!isReply(event)) continue;
        const isFence = event.type === 'AttemptStarted' && event.data.claim === taker.claim;
        const [next, verdict] = readDelta(reading, event);
        reading = next;
        keeper.take(event, verdict, event.time);
        if (reading.ended === null && !isFence) continue;
        const won = reading.ended === null && reading.claim === taker.claim;
        return { attempt, reading, pieces: keeper.pieces, replaced: keeper.before(taker.claim), won };
      }
      if (attempt === 0 && nextOffset >= end) appendFence();
      return undefined;
    },
  });
}

function isReply(event: { readonly type: string }): event is ReplyEvent {
  return ['AttemptStarted', 'InferenceDelta', 'InferenceEnded', 'InferenceAttached'].includes(event.type);
}
