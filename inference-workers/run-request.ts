import { StenoError, errorCode } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { CancelRequested, InferenceRequested } from '../schemas/generated/types.ts';
import type { LoggedEvent, NewEvent } from '../streams/event.ts';
import type { EventAppender, EventLog } from '../streams/event-log.ts';
import type { ReadUntil } from '../streams/read-until.ts';
import { appendUntilDone } from '../streams/runner/append-until-done.ts';
import { textOf } from '../streams/parts.ts';
import type { Cancellations } from './cancellations.ts';
import { DeltaWriter } from './delta-writer.ts';
import type { Engine, Prompt } from './engine.ts';
import type { RunWatch } from './run-watch.ts';
import { Silence } from './silence.ts';
import type { Slots } from './slots.ts';
import type { Replaced } from '../streams/delta-pieces.ts';
import { takeFirst, takeOver } from './take-request.ts';
import { terminalOf, usageOf, type Counts, type Ending, type WorkerIdentity } from './terminal.ts';

export type RunPorts = {
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
  readonly engine: Engine;
  readonly slots: Slots;
  readonly cancellations: Cancellations;
  readonly worker: WorkerIdentity;
  readonly topics: { readonly conversations: string; readonly deltas: string; readonly turns: string };
  /** Milliseconds to the first token and between tokens. */
  readonly limits: { readonly firstTokenMillis: number; readonly tokenGapMillis: number };
  /** False once the membership may have been lost: nothing may be appended then. */
  readonly isFresh: () => boolean;
  readonly onOutcome: (outcome: Ending['type'], tokens: number) => void;
  readonly logger: Logger;
  readonly watch: RunWatch;
};

type Requested = LoggedEvent & { readonly type: 'InferenceRequested'; readonly data: InferenceRequested };

/** Crashes of the engine, alone with the prompt and without a new delta, before the inference fails. */
const MAX_CRASHES = 3;
const PRIORITIES: Readonly<Record<string, number>> = { interactive: 0, standard: 1, batch: 2 };

/**
 * Sees a request through: resolves when its terminal event is on the log, or when the inference is not ours to end.
 * Throws the signal's reason when the partition is no longer ours: then nothing more is appended.
 */
export async function runRequest(
  ports: RunPorts,
  request: Requested,
  options: { readonly redelivered: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const { data } = request;
  const { signal } = options;
  const takePorts = {
    events: ports.events,
    appender: ports.first,
    reading: ports.reading,
    topics: ports.topics,
    worker: ports.worker,
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
    const outcome = await generateUntilEnd(ports, data, reading.tokens, writer, run);
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
    const terminal = terminalOf(data, attempt, writer, used, ending, ports.worker, place);
    const measured = usageOf(data, attempt, usage, ending.type, ports.worker, {
      topic: ports.topics.turns,
      now,
      estimated: false,
    });
    const replaced = usageOfReplaced(ports, data, taken.replaced, now);
    await Promise.all([
      appendOwned(ports, ports.records, [terminal], signal),
      appendOwned(ports, ports.usage, [measured, ...replaced], signal),
    ]);
    ports.onOutcome(ending.type, writer.tokens);
  } finally {
    unlisten();
    signal.removeEventListener('abort', revoke);
  }
}

type Generated = { readonly ending: Ending; readonly counts: Counts | null };

/** Runs the engine, again after a crash of its process, until the answer ends one way or another. */
async function generateUntilEnd(
  ports: RunPorts,
  request: InferenceRequested,
  earlierTokens: number,
  writer: DeltaWriter,
  run: AbortController,
): Promise<Generated> {
  const { engine, slots } = ports;
  const priority = PRIORITIES[request.route.tier] ?? 2;
  let crashes = 0;
  let alone = false;
  /** Tokens of text that was taken back: they are no part of the prefix. */
  let dropped = 0;
  for (;;) {
    if (writer.written !== '' && !engine.continues) {
      await writer.finish();
      writer.reset();
      dropped = earlierTokens + writer.tokens;
    }
    const before = writer.written;
    try {
      await slots.acquire(priority, run.signal, alone);
      try {
        return await generate(
          ports,
          promptOf(request, before, earlierTokens + writer.tokens - dropped),
          writer,
          run,
        );
      } finally {
        slots.release(alone);
      }
    } catch (error) {
      if (run.signal.aborted) return { ending: failureOf(run.signal.reason), counts: null };
      // Not an end of the inference: whoever owns the partition now sees it through.
      if (errorCode(error) === 'membership_lost') throw error;
      if (errorCode(error) !== 'engine_unavailable') return { ending: failureOf(error), counts: null };
      ports.logger.warn('the engine stopped while it answered', {
        inferenceId: request.inferenceId,
        crashes,
      });
      // Text that will be taken back is no progress: a backend that always cuts would be asked for ever.
      const progressed = engine.continues && writer.written !== before;
      if ((alone || engine.failsAlone) && !progressed) crashes += 1;
      if (crashes >= MAX_CRASHES) return { ending: failureOf(error), counts: null };
      alone = !engine.failsAlone;
    }
  }
}

async function generate(
  ports: RunPorts,
  prompt: Prompt,
  writer: DeltaWriter,
  run: AbortController,
): Promise<Generated> {
  const { limits, watch } = ports;
  let silent = true;
  watch.generating();
  const silence = new Silence(limits.firstTokenMillis, limits.tokenGapMillis, () => {
    run.abort(new StenoError('timeout', 'the model was silent for too long', { retryable: true }));
  });
  try {
    for await (const part of ports.engine.generate(prompt, { signal: run.signal })) {
      if (part.type === 'end') {
        const { finishReason, promptTokens, completionTokens, cachedTokens } = part;
        return {
          ending: { type: 'completed', finishReason },
          counts: { promptTokens, completionTokens, cachedTokens },
        };
      }
      silence.broken();
      if (silent) watch.firstToken();
      silent = false;
      if (!ports.isFresh()) throw new StenoError('membership_lost', 'the membership may have been lost');
      writer.write(part.text, part.tokens);
    }
    run.signal.throwIfAborted();
    throw new StenoError('engine_failed', 'the engine ended without saying so');
  } finally {
    watch.stopped();
    silence.stop();
  }
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
    return usageOf(request, attempt, counts, 'failed', ports.worker, place);
  });
}

function promptOf(request: InferenceRequested, prefix: string, prefixTokens: number): Prompt {
  const { maxTokens, temperature, topP, seed, stop } = request.parameters;
  return {
    inferenceId: request.inferenceId,
    conversationId: request.conversationId,
    model: request.route.model,
    messages: request.messages.map(({ role, parts }) => ({
      role: role === 'OTHER' ? 'user' : role,
      text: textOf(parts),
    })),
    prefix,
    prefixTokens,
    maxTokens,
    temperature,
    topP,
    seed,
    stop,
  };
}

function failureOf(error: unknown): Ending {
  const code = errorCode(error);
  return {
    type: 'failed',
    code: code === 'unknown' ? 'engine_failed' : code,
    reason: error instanceof StenoError ? error.message : 'the model could not answer',
    retryable: error instanceof StenoError ? error.retryable : false,
  };
}
