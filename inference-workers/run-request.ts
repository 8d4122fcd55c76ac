import { StenoError } from '../runtime/errors.ts';
import type { CancelRequested, InferenceRequested, Tier } from '../schemas/generated/types.ts';
import type { NewEvent } from '../streams/event.ts';
import type { EventAppender, EventLog } from '../streams/event-log.ts';
import type { ReadUntil } from '../streams/read-until.ts';
import { appendUntilDone } from '../streams/runner/append-until-done.ts';
import type { Replaced } from '../streams/delta-pieces.ts';
import type { Cancellations } from './cancellations.ts';
import type { AnswerCache } from './answer-cache.ts';
import { free, isFree, toCache, type Requested } from './cached-answer.ts';
import { DeltaWriter } from './delta-writer.ts';
import { handedOn, mayFallBack, type FallbackModel } from './fallback.ts';
import { degradeTo, givenAnswer, saysNoMore, type GivenAnswer } from './given-answer.ts';
import { generateUntilEnd, successor, type Generated, type GeneratePorts } from './generate.ts';
import { takeFirst, takeOver } from './take-request.ts';
import { terminalOf, usageOf, type Counts, type Ending } from './terminal.ts';

export type RunPorts = GeneratePorts & {
  readonly events: EventLog;
  /**
   * First deltas, further deltas, records and usage travel apart: a first token waits for nothing else, a large terminal
   * event delays no delta, and nobody waits for usage.
   */
  readonly first: EventAppender;
  readonly deltas: EventAppender;
  readonly records: EventAppender;
  readonly usage: EventAppender;
  /** Of takeovers. */
  readonly reading: ReadUntil;
  readonly cancellations: Cancellations;
  /** Answers that may be given again. */
  readonly answers: AnswerCache;
  readonly topics: {
    readonly answers: string;
    readonly conversations: string;
    readonly deltas: string;
    readonly turns: string;
    readonly requests: (pool: string, tier: Tier) => string;
  };
  readonly onOutcome: (
    outcome: Ending['type'] | 'handed_on' | GivenAnswer['outcome'],
    tokens: number,
  ) => void;
};

/**
 * Sees a request through: resolves when its terminal event is on the log, when another model has it, or when the inference
 * is not ours to end.
 * Throws the signal's reason when the partition is no longer ours: then nothing more is appended.
 */
export async function runRequest(
  ports: RunPorts,
  request: Requested,
  options: { readonly redelivered: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const { data } = request;
  const { signal } = options;
  const given = givenAnswer(ports.answers, request, ports.worker, options.redelivered);
  const worker = given?.worker ?? ports.worker;
  const takePorts = {
    events: ports.events,
    appender: ports.first,
    reading: ports.reading,
    topics: ports.topics,
    worker,
  };
  const taken = options.redelivered
    ? await takeOver(takePorts, data, signal)
    : takeFirst(takePorts, data, Date.now());
  if (!taken.ours) {
    // Whoever ended it may have died before it could count.
    const counted = usageOfReplaced(ports, data, taken.uncounted, Date.now());
    if (counted.length > 0) await appendOwned(ports, ports.usage, counted, signal);
    return;
  }
  const { reading, pieces } = taken;
  const startedAt = Date.now();
  const writer = new DeltaWriter(
    {
      topic: ports.topics.deltas,
      partition: data.replyPartition,
      inferenceId: data.inferenceId,
      claim: taken.claim,
      append: (events, opens) => appendOwned(ports, opens ? ports.first : ports.deltas, events, signal),
      now: () => performance.now(),
    },
    { ...reading, pieces },
    taken.opening,
  );
  const run = new AbortController();
  let cancel: CancelRequested | null = null;
  const unlisten = ports.cancellations.listen(data.inferenceId, (found) => {
    cancel = found;
    run.abort(new StenoError('cancelled', 'the inference was cancelled'));
  });
  const revoke = (): void => run.abort(signal.reason);
  signal.addEventListener('abort', revoke, { once: true });
  const counts: Counts = { promptTokens: data.context.promptTokens, completionTokens: 0, cachedTokens: 0 };
  try {
    const outcome =
      given?.write(writer) ??
      (saysNoMore(data, reading.text)
        ? alreadySaid
        : await generateUntilEnd(ports, data, reading.tokens, writer, run));
    signal.throwIfAborted();
    await writer.finish();
    const ending: Ending = cancel === null ? outcome.ending : { type: 'cancelled', cancel };
    const used: Counts = outcome.counts ?? { ...counts, completionTokens: reading.tokens + writer.tokens };
    const now = Date.now();
    const attempt = { number: taken.number, claim: taken.claim, startedAt };
    const place = { topic: ports.topics.conversations, now, trace: ports.watch.trace };
    // A backend may send several tokens in a piece: its own count at the end is the better one.
    const counted = outcome.counts === null ? 0 : outcome.counts.completionTokens - reading.tokens;
    const usage = { ...used, completionTokens: Math.max(writer.tokens, counted) };
    ports.watch.ended(ending, used);
    const next =
      ending.type === 'failed' && mayFallBack(ending.code) ? nextOf(ports, request, writer.text) : null;
    const measured = usageOf(data, attempt, usage, ending.type, worker, {
      topic: ports.topics.turns,
      now,
      estimated: false,
    });
    const replaced = usageOfReplaced(ports, data, taken.replaced, now);
    const last =
      next === null
        ? terminalOf(data, attempt, writer, used, ending, worker, place)
        : handedOn(data, next, worker, {
            ...{ topic: ports.topics.requests(next.pool, data.route.tier), claim: taken.claim },
            ...{ now, trace: ports.watch.trace },
          });
    // An attempt that said nothing before another model was asked used nothing.
    const own = next === null || writer.tokens > 0 ? [measured] : [];
    const kept = toCache(data, ending, writer, used, worker, { topic: ports.topics.answers, now });
    await Promise.all([
      appendOwned(ports, ports.records, [last], signal),
      appendOwned(ports, ports.usage, [...own, ...replaced, ...(kept === null ? [] : [kept])], signal),
    ]);
    ports.onOutcome(given?.outcome ?? (next === null ? ending.type : 'handed_on'), writer.tokens);
  } finally {
    unlisten();
    signal.removeEventListener('abort', revoke);
  }
}

/** No model is asked after the sentence: whoever is handed the inference next ends it as what it is. */
const alreadySaid: Generated = {
  ending: { type: 'failed', code: 'engine_unavailable', reason: 'no model could answer', retryable: true },
  counts: null,
};

/** Who is asked next: another model, else nobody but what is given behind the end of the chain. */
function nextOf(ports: RunPorts, request: Requested, written: string): FallbackModel | null {
  const model = saysNoMore(request.data, written) ? null : successor(ports, request.data);
  return model ?? degradeTo(ports.answers, request, ports.worker, written);
}

/** Appends only as long as the partition is certainly ours. */
function appendOwned(
  ports: RunPorts,
  appender: EventAppender,
  events: readonly NewEvent[],
  signal: AbortSignal,
): Promise<void> {
  if (ports.isFresh()) return appendUntilDone(appender, events, signal);
  return Promise.reject(new StenoError('membership_lost', 'the membership may have been lost'));
}

/**
 * Claims that are over cannot count any more: their deltas say what they produced. The id of what is recorded follows
 * from the claim: where it counted itself, this is a repeat.
 */
function usageOfReplaced(
  ports: RunPorts,
  request: InferenceRequested,
  replaced: readonly Replaced[],
  now: number,
): readonly NewEvent[] {
  const { promptTokens } = request.context;
  const place = { topic: ports.topics.turns, now, estimated: true };
  return replaced.map((attempt) => {
    const counts = { promptTokens, completionTokens: attempt.tokens, cachedTokens: 0 };
    const ran = ports.models.find(({ id }) => id === attempt.model) ?? {};
    const by = { ...ports.worker, ...ran, model: attempt.model };
    return usageOf(request, attempt, counts, 'failed', isFree(attempt.engine) ? free(by) : by, place);
  });
}
