import { randomUUID } from 'node:crypto';
import type { InferenceRequested } from '../schemas/generated/types.ts';
import { foldEnding, isTerminal, noEnding, type Ending } from '../streams/effective-end.ts';
import type { NewEvent } from '../streams/event.ts';
import type { EventAppender, EventLog } from '../streams/event-log.ts';
import type { Batch } from '../streams/log.ts';
import { startReading, type Reading } from '../streams/read-deltas.ts';
import { appendUntilDone } from '../streams/runner/append-until-done.ts';
import { decodeBatch } from '../streams/runner/decode-batch.ts';
import { attemptStarted, fenceReplies, type Taker } from '../streams/take-over.ts';
import type { WorkerIdentity } from './terminal.ts';

/** An attempt that is ours. `reading` is what earlier attempts left. */
export type Taken = {
  readonly number: number;
  readonly claim: string;
  readonly reading: Reading;
  /** Goes out with the first delta; empty where the fence is on the log already. */
  readonly opening: readonly NewEvent[];
};

export type TakePorts = {
  readonly events: EventLog;
  readonly appender: EventAppender;
  readonly topics: { readonly conversations: string; readonly deltas: string };
  readonly worker: WorkerIdentity;
};

/** Takes a request that nobody can have started: attempt 1, announced together with its first delta. */
export function takeFirst(ports: TakePorts, request: InferenceRequested, now: number): Taken {
  const taker = takerOf(ports.worker, request, 'first');
  const opening: NewEvent = {
    type: 'AttemptStarted',
    data: attemptStarted(inferenceOf(request), taker, 1, now),
    topic: ports.topics.deltas,
    key: request.inferenceId,
    partition: request.replyPartition,
  };
  return { number: 1, claim: taker.claim, reading: startReading, opening: [opening] };
}

/**
 * Takes a request that somebody may have started: a fence on the reply partition, one on the conversation's log, each
 * read up to. Null if the inference has ended or another claim is higher: then it is not ours to run.
 */
export async function takeOver(
  ports: TakePorts,
  request: InferenceRequested,
  signal: AbortSignal,
): Promise<Taken | null> {
  const { events, appender, topics, worker } = ports;
  const taker = takerOf(worker, request, 'redelivered');
  const inference = inferenceOf(request);
  const fenced = await fenceReplies(
    { events, appender, deltasTopic: topics.deltas },
    inference,
    taker,
    signal,
  );
  if (!fenced.won) return null;
  const fence: NewEvent = {
    type: 'AttemptStarted',
    data: attemptStarted(inference, taker, fenced.attempt, Date.now()),
    topic: topics.conversations,
    key: request.conversationId,
    partition: request.conversationPartition,
  };
  await appendUntilDone(appender, [fence], signal);
  const ours = await readRecordUpTo(ports, request, taker.claim, fenced.attempt, signal);
  return ours ? { number: fenced.attempt, claim: taker.claim, reading: fenced.reading, opening: [] } : null;
}

/** Reads the conversation's log from the message to our fence; false if it had ended or somebody is higher. */
async function readRecordUpTo(
  { events, topics }: TakePorts,
  request: InferenceRequested,
  claim: string,
  attempt: number,
  signal: AbortSignal,
): Promise<boolean> {
  let ending: Ending = noEnding;
  return new Promise((resolve, reject) => {
    const follower = events.log.openFollower({
      name: `take-${request.inferenceId}`,
      onBatch: read,
      onFailure: finish,
    });
    let settled = false;
    const abort = (): void => finish(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) return abort();

    function finish(result: unknown): void {
      if (settled) return;
      settled = true;
      signal.removeEventListener('abort', abort);
      void follower.stop();
      if (typeof result === 'boolean') resolve(result);
      else reject(result instanceof Error ? result : new Error('cannot read the conversation'));
    }

    async function read(batch: Batch): Promise<void> {
      const own = batch.records.filter((record) => record.key?.toString('utf8') === request.conversationId);
      for (const event of (await decodeBatch(events, own, signal)).events) {
        if (event.type !== 'AttemptStarted' && !isTerminal(event)) continue;
        if (event.data.inferenceId !== request.inferenceId) continue;
        [ending] = foldEnding(ending, event);
        if (event.type === 'AttemptStarted' && event.data.claim === claim) {
          return finish(!ending.ended && ending.fence === attempt);
        }
      }
    }

    follower.add(topics.conversations, request.conversationPartition, request.messageOffset).catch(finish);
    return undefined;
  });
}

function takerOf(worker: WorkerIdentity, request: InferenceRequested, reason: Taker['reason']): Taker {
  return {
    claim: `claim_${randomUUID()}`,
    reason,
    workerId: worker.workerId,
    service: worker.producer.service,
    version: worker.producer.version,
    engine: worker.engine,
    model: request.route.model,
  };
}

function inferenceOf(request: InferenceRequested): Parameters<typeof fenceReplies>[1] {
  const { conversationId, inferenceId, replyPartition, deltasFrom } = request;
  return { cause: request, conversationId, inferenceId, replyPartition, deltasFrom };
}
