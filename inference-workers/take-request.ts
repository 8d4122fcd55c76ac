import { randomUUID } from 'node:crypto';
import type { InferenceRequested } from '../schemas/generated/types.ts';
import { foldEnding, isTerminal, noEnding, type Ending } from '../streams/effective-end.ts';
import type { NewEvent } from '../streams/event.ts';
import type { EventAppender, EventLog } from '../streams/event-log.ts';
import { noPieces, type Pieces, type Replaced } from '../streams/delta-pieces.ts';
import { startReading, type Reading } from '../streams/read-deltas.ts';
import type { ReadUntil } from '../streams/read-until.ts';
import { appendUntilDone } from '../streams/runner/append-until-done.ts';
import { attemptStarted, fenceReplies, type Taker } from '../streams/take-over.ts';
import type { WorkerIdentity } from './terminal.ts';

/** An attempt that is ours. `reading` is what earlier attempts left. */
export type Taken = {
  readonly ours: true;
  readonly number: number;
  readonly claim: string;
  readonly reading: Reading;
  /** The deltas of its text. */
  readonly pieces: Pieces;
  readonly replaced: readonly Replaced[];
  /** Goes out with the first delta; empty where the fence is on the log already. */
  readonly opening: readonly NewEvent[];
};

/** Not ours to run. `uncounted`: attempts of an inference that has ended, whose use nobody may have counted. */
export type Left = { readonly ours: false; readonly uncounted: readonly Replaced[] };

export type TakePorts = {
  readonly events: EventLog;
  readonly appender: EventAppender;
  readonly reading: ReadUntil;
  readonly topics: { readonly conversations: string; readonly deltas: string };
  readonly worker: WorkerIdentity;
};

/** Takes a request that nobody can have started: attempt 1, announced together with its first delta. */
export function takeFirst(ports: TakePorts, request: InferenceRequested, now: number): Taken {
  const taker = takerOf(ports.worker, 'first');
  const opening: NewEvent = {
    type: 'AttemptStarted',
    data: attemptStarted(inferenceOf(request), taker, 1, now),
    topic: ports.topics.deltas,
    key: request.inferenceId,
    partition: request.replyPartition,
  };
  return {
    ...{ ours: true, number: 1, claim: taker.claim, opening: [opening] },
    ...{ reading: startReading, pieces: noPieces, replaced: [] },
  };
}

/**
 * Takes a request that somebody may have started: a fence on the reply partition, one on the conversation's log, each
 * read up to. It is not ours to run if the inference has ended or another claim is higher.
 */
export async function takeOver(
  ports: TakePorts,
  request: InferenceRequested,
  signal: AbortSignal,
): Promise<Taken | Left> {
  const { events, appender, topics, worker } = ports;
  const taker = takerOf(worker, request.fallbackFrom.length > 0 ? 'fallback' : 'redelivered');
  const inference = inferenceOf(request);
  const fenced = await fenceReplies(
    { events, appender, reading: ports.reading, deltasTopic: topics.deltas },
    inference,
    taker,
    signal,
  );
  const { attempt: number, reading, pieces, replaced } = fenced;
  if (!fenced.won) return { ours: false, uncounted: reading.ended === null ? [] : replaced };
  const fence: NewEvent = {
    type: 'AttemptStarted',
    data: attemptStarted(inference, taker, number, Date.now()),
    topic: topics.conversations,
    key: request.conversationId,
    partition: request.conversationPartition,
  };
  await appendUntilDone(appender, [fence], signal);
  const found = await readRecordUpTo(ports, request, taker.claim, number, signal);
  if (found !== 'ours') return { ours: false, uncounted: found === 'ended' ? replaced : [] };
  return { ours: true, number, claim: taker.claim, reading, pieces, replaced, opening: [] };
}

/** Reads the conversation's log from the message to our fence: had it ended by then, or is somebody higher? */
async function readRecordUpTo(
  { reading, topics }: TakePorts,
  request: InferenceRequested,
  claim: string,
  attempt: number,
  signal: AbortSignal,
): Promise<'ours' | 'ended' | 'higher'> {
  let ending: Ending = noEnding;
  return reading.ask({
    ...{ topic: topics.conversations, partition: request.conversationPartition, signal },
    ...{ from: request.messageOffset, key: request.conversationId },
    onEvents(found) {
      for (const event of found) {
        if (event.type !== 'AttemptStarted' && !isTerminal(event)) continue;
        if (event.data.inferenceId !== request.inferenceId) continue;
        [ending] = foldEnding(ending, event);
        if (event.type !== 'AttemptStarted' || event.data.claim !== claim) continue;
        if (ending.ended) return 'ended';
        return ending.fence === attempt ? 'ours' : 'higher';
      }
      return undefined;
    },
  });
}

function takerOf(worker: WorkerIdentity, reason: Taker['reason']): Taker {
  return {
    claim: `claim_${randomUUID()}`,
    reason,
    workerId: worker.workerId,
    service: worker.producer.service,
    version: worker.producer.version,
    engine: worker.engine,
    model: worker.model,
  };
}

function inferenceOf(request: InferenceRequested): Parameters<typeof fenceReplies>[1] {
  const { conversationId, inferenceId, replyPartition, deltasFrom } = request;
  return { cause: request, conversationId, inferenceId, replyPartition, deltasFrom };
}
