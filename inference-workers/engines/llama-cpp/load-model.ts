import { open } from 'node:fs/promises';
import type { Llama, LlamaContextSequence, LlamaModel } from 'node-llama-cpp';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';
import { errorMessage, StenoError } from '../../../runtime/errors.ts';
import type { ChatPrompt } from './chat-prompt.ts';
import { createChatPrompt } from './chat-prompt.ts';
import { createGrammars, type Grammars } from './grammars.ts';
import type { LoadOptions } from './protocol.ts';
import type { Rounds } from './rounds.ts';
import { createRounds } from './rounds.ts';
import type { SequencePool } from './sequence-pool.ts';
import { createSequencePool } from './sequence-pool.ts';

/** A model in memory, ready to evaluate. */
export type LoadedModel = {
  readonly model: LlamaModel;
  readonly chat: ChatPrompt;
  readonly grammars: Grammars;
  readonly sequences: SequencePool<LlamaContextSequence>;
  readonly rounds: Rounds;
  /** Tokens one sequence can hold. */
  readonly contextLength: number;
  /** Prompt tokens evaluated before an abort is looked at. */
  readonly prefillTokens: number;
  readonly gpu: string;
};

/** On a CPU 64 tokens take about a quarter of a second, the longest an abort or another answer's next token waits. */
const CPU_PREFILL_TOKENS = 64;
const GPU_PREFILL_TOKENS = 512;

/**
 * Loads a GGUF file. All sequences share one context, so their next tokens are evaluated in one batch.
 *
 * Throws StenoError `engine_binding_missing`, `model_bad_file`, `model_too_large`.
 */
export async function loadModel(options: LoadOptions): Promise<LoadedModel> {
  const llama = await loadBinding(options.threads);
  await checkFile(options.modelPath);
  const model = await loadFile(llama, options.modelPath);
  const contextLength = Math.min(options.contextLength, model.trainContextSize);
  const context = await model
    .createContext({
      sequences: options.sequences,
      contextSize: contextLength,
      threads: options.threads,
      batchSize: 512,
    })
    .catch((error: unknown) => {
      throw new StenoError(
        'model_too_large',
        `no memory for ${options.sequences} contexts of ${contextLength} tokens`,
        {
          fix: "lower the model's contextLength in the catalogue, or choose a smaller model",
          cause: error,
        },
      );
    });
  const sequences = Array.from({ length: options.sequences }, () => context.getSequence());
  return {
    model,
    chat: createChatPrompt(model),
    grammars: createGrammars(llama, model),
    sequences: createSequencePool(sequences),
    rounds: createRounds(),
    contextLength: context.contextSize,
    prefillTokens: llama.gpu === false ? CPU_PREFILL_TOKENS : GPU_PREFILL_TOKENS,
    gpu: llama.gpu === false ? 'none' : llama.gpu,
  };
}

async function loadBinding(threads: number): Promise<Llama> {
  try {
    return await getLlama({
      build: 'never',
      gpu: 'auto',
      maxThreads: threads,
      skipDownload: true,
      progressLogs: false,
      logLevel: LlamaLogLevel.error,
    });
  } catch (error) {
    throw new StenoError(
      'engine_binding_missing',
      `llama.cpp has no prebuilt binary for ${process.platform}-${process.arch}`,
      {
        fix: 'run npm ci again without --omit=optional, or configure an external model backend',
        cause: error,
      },
    );
  }
}

/** The first four bytes of a GGUF file say so; the library's own message for another file is a page long. */
async function checkFile(path: string): Promise<void> {
  const magic = Buffer.alloc(4);
  try {
    const file = await open(path, 'r');
    await file.read(magic, 0, 4, 0).finally(() => file.close());
  } catch (error) {
    throw badFile(path, errorMessage(error), error);
  }
  if (magic.toString('latin1') !== 'GGUF') throw badFile(path, 'it is not a GGUF file', undefined);
}

async function loadFile(llama: Llama, modelPath: string): Promise<LlamaModel> {
  try {
    return await llama.loadModel({ modelPath });
  } catch (error) {
    throw badFile(modelPath, errorMessage(error).split('\n', 1)[0] ?? '', error);
  }
}

function badFile(path: string, why: string, cause: unknown): StenoError {
  return new StenoError('model_bad_file', `cannot load the model ${path}: ${why}`, {
    fix: 'name another GGUF file, or delete this one if Steno fetched it',
    facts: { path },
    cause,
  });
}
