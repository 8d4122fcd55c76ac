import { availableParallelism } from 'node:os';
import type { Engine } from '../engine.ts';
import { StenoError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { ModelEntry } from '../models/catalogue.ts';
import type { Backend } from '../models/model-entry.ts';
import { createExternalCalls, type ExternalCalls } from '../../runtime/external-call.ts';
import { LlamaCppEngine } from './llama-cpp/llama-cpp-engine.ts';
import { OpenAiCompatibleEngine } from './openai-compatible/openai-compatible-engine.ts';
import { ScriptedEngine } from './scripted/scripted-engine.ts';
import type { TokenCounter } from './token-counter.ts';

export type EngineOptions = {
  /** The file `fetchModel` returned; null for engines that need none. */
  readonly modelPath: string | null;
  readonly logger: Logger;
  /** Threads of the model's arithmetic; null for all cores but one. */
  readonly threads: number | null;
  /** Prompts answered at once; null for the engine's own number. */
  readonly slots?: number | null;
  /** What calls to a backend are made with; counted nowhere if absent. */
  readonly calls?: ExternalCalls;
  /** Reads the key that an entry's `apiKeyEnv` names; no key is sent if absent. */
  readonly secret?: (name: string) => string | null;
};

/** Answers at once share a batch; how much faster that is depends on the back end (docs/decisions/0007). */
const LLAMA_CPP_SLOTS = 4;

/** Builds the engine a catalogue entry names; it loads nothing before `start()`. */
export function createEngine(entry: ModelEntry, options: EngineOptions): Engine & TokenCounter {
  if (entry.engine === 'scripted')
    return new ScriptedEngine(typeof options.slots === 'number' ? { slots: options.slots } : {});
  if (entry.backend !== undefined) return remoteEngine(entry, entry.backend, options);
  if (options.modelPath === null) {
    throw new StenoError('model_not_loaded', `model ${entry.id} needs a file`, {
      facts: { model: entry.id },
    });
  }
  return new LlamaCppEngine({
    modelPath: options.modelPath,
    contextLength: entry.contextLength,
    sequences: options.slots ?? LLAMA_CPP_SLOTS,
    threads: options.threads ?? defaultThreads(),
    logger: options.logger,
  });
}

function remoteEngine(entry: ModelEntry, backend: Backend, options: EngineOptions): OpenAiCompatibleEngine {
  const { secret, logger, slots } = options;
  const { id, firstTokenMs, tokenGapMs } = entry;
  return new OpenAiCompatibleEngine({
    ...{ id, firstTokenMs, tokenGapMs, logger },
    backend: { ...backend, slots: slots ?? backend.slots },
    apiKey: backend.apiKeyEnv === undefined ? null : (secret?.(backend.apiKeyEnv) ?? null),
    calls: options.calls ?? createExternalCalls(null),
  });
}

/** llama.cpp's threads spin while they wait: with one on every core the rest of the machine, and so they, stand still. */
function defaultThreads(): number {
  return Math.max(1, availableParallelism() - 1);
}
