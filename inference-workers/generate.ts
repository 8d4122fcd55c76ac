import { StenoError, errorCode } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { InferenceRequested } from '../schemas/generated/types.ts';
import type { DeltaWriter } from './delta-writer.ts';
import type { Engine, Prompt } from './engine.ts';
import type { Claim } from './fair-queue.ts';
import { nextModel, type FallbackModel } from './fallback.ts';
import { promptOf } from './prompt-of.ts';
import type { RetryBudget } from './retry-budget.ts';
import type { RunWatch } from './run-watch.ts';
import { Silence } from './silence.ts';
import { TIERS } from '../streams/topics.ts';
import type { Slot, Slots } from './slots.ts';
import type { Counts, Ending, WorkerIdentity } from './terminal.ts';

export type GeneratePorts = {
  readonly engine: Engine;
  readonly slots: Slots;
  readonly worker: WorkerIdentity;
  /** Milliseconds to the first token and between tokens. */
  readonly limits: { readonly firstTokenMillis: number; readonly tokenGapMillis: number };
  /** Those that may answer where this one cannot. */
  readonly models: readonly FallbackModel[];
  readonly retries: RetryBudget;
  /** False once the membership may have been lost: nothing may be appended then. */
  readonly isFresh: () => boolean;
  readonly logger: Logger;
  readonly watch: RunWatch;
};

/** Crashes of the engine, alone with the prompt and without a new delta, before the inference fails. */
const MAX_CRASHES = 3;
const YIELDED = 'yielded';
const LAST_TIER = TIERS.length;

export type Generated = { readonly ending: Ending; readonly counts: Counts | null };

/** Runs the engine, again after a crash of its process, until the answer ends one way or another. */
export async function generateUntilEnd(
  ports: GeneratePorts,
  request: InferenceRequested,
  earlierTokens: number,
  writer: DeltaWriter,
  run: AbortController,
): Promise<Generated> {
  const { engine, slots } = ports;
  const claim = claimOf(request);
  const continues = mayContinue(engine, request);
  let crashes = 0;
  let alone = false;
  /** Tokens of text that was taken back: they are no part of the prefix. */
  let dropped = 0;
  for (;;) {
    if (writer.written !== '' && !continues) {
      await writer.finish();
      writer.reset();
      dropped = earlierTokens + writer.tokens;
    }
    const before = writer.written;
    try {
      const slot = await slots.acquire(claim, run.signal, alone);
      try {
        return await generate(
          ports,
          promptOf(request, before, earlierTokens + writer.tokens - dropped),
          writer,
          run,
          slot,
          continues,
        );
      } finally {
        slot.release();
      }
    } catch (error) {
      if (run.signal.aborted) return { ending: failureOf(run.signal.reason), counts: null };
      // Not an end of the inference: whoever owns the partition now sees it through.
      if (errorCode(error) === 'membership_lost') throw error;
      if (errorCode(error) === YIELDED) continue;
      if (errorCode(error) !== 'engine_unavailable') return { ending: failureOf(error), counts: null };
      // Another model answers sooner than a backend that needs a pause.
      if (engine.failsAlone && successor(ports, request) !== null)
        return { ending: failureOf(error), counts: null };
      ports.logger.warn('the engine stopped while it answered', {
        inferenceId: request.inferenceId,
        crashes,
      });
      // Text that will be taken back is no progress: a backend that always cuts would be asked for ever.
      const progressed = continues && writer.written !== before;
      if ((alone || engine.failsAlone) && !progressed) crashes += 1;
      if (crashes >= MAX_CRASHES || (engine.failsAlone && !ports.retries.withdraw()))
        return { ending: failureOf(error), counts: null };
      alone = !engine.failsAlone;
    }
  }
}

async function generate(
  ports: GeneratePorts,
  prompt: Prompt,
  writer: DeltaWriter,
  run: AbortController,
  slot: Slot,
  continues: boolean,
): Promise<Generated> {
  const { engine, limits, watch } = ports;
  let silent = true;
  watch.generating();
  const silence = new Silence(limits.firstTokenMillis, limits.tokenGapMillis, () => {
    run.abort(new StenoError('timeout', 'the model was silent for too long', { retryable: true }));
  });
  try {
    for await (const part of engine.generate(prompt, { signal: run.signal })) {
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
      // At a token's boundary: it goes on from here when it has a slot again.
      if (continues && slot.isWanted()) throw new StenoError(YIELDED, 'somebody of a higher tier waits');
    }
    run.signal.throwIfAborted();
    throw new StenoError('engine_failed', 'the engine ended without saying so');
  } finally {
    watch.stopped();
    silence.stop();
  }
}

function mayContinue(engine: Engine, { parameters }: InferenceRequested): boolean {
  const isPlain = parameters.format === null && parameters.tools === null;
  return isPlain ? engine.continues : engine.continuesFormats;
}

function claimOf({ route, tenantId, context, parameters }: InferenceRequested): Claim {
  const tier = TIERS.findIndex((name) => name === route.tier);
  return {
    tier: tier === -1 ? LAST_TIER : tier,
    tenantId,
    tokens: context.promptTokens + parameters.maxTokens,
  };
}

/** Returns the model to ask where this one cannot answer; null for none. */
export function successor(
  { models, worker }: GeneratePorts,
  request: InferenceRequested,
): FallbackModel | null {
  return nextModel(request, worker.model, models);
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
