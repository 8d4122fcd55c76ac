import type { Prompt } from '../../engine.ts';
import { StenoError } from '../../../runtime/errors.ts';
import { evaluate } from './evaluate.ts';
import type { LoadedModel } from './load-model.ts';
import { loadModel } from './load-model.ts';
import type { FromEngine, LoadOptions, ToEngine } from './protocol.ts';
import { toWireError } from './wire-error.ts';

/**
 * The engine process: forked by the worker, it holds the model and nothing else. A crash of the native code ends this
 * process and not the worker's membership in its consumer group. It ends when the worker does.
 */
let loaded: LoadedModel | null = null;
const running = new Map<number, AbortController>();

process.on('message', (message: ToEngine) => void receive(message));
process.on('disconnect', () => process.exit(0));
// A terminal's Ctrl-C reaches the whole process group: the worker decides when its engine may go.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

function send(message: FromEngine): void {
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}

async function receive(message: ToEngine): Promise<void> {
  if (message.type === 'load') await load(message.options);
  else if (message.type === 'generate') await generate(message.id, message.prompt);
  else if (message.type === 'abort') running.get(message.id)?.abort();
  else count(message.id, message.texts);
}

async function load(options: LoadOptions): Promise<void> {
  try {
    const start = performance.now();
    const model = await loadModel(options);
    const loadMs = performance.now() - start;
    await proveFirstToken(model);
    const firstTokenMs = performance.now() - start - loadMs;
    loaded = model;
    const { gpu, contextLength } = model;
    const times = { loadMs: Math.round(loadMs), firstTokenMs: Math.round(firstTokenMs) };
    send({ type: 'ready', facts: { gpu, contextLength, threads: options.threads, ...times } });
  } catch (error) {
    send({ type: 'load-failed', error: toWireError(error, 'engine_failed') });
  }
}

async function proveFirstToken(model: LoadedModel): Promise<void> {
  for await (const part of evaluate(model, PROBE, new AbortController().signal)) {
    if (part.type === 'end' && part.completionTokens > 0) return;
  }
  throw new StenoError('model_bad_file', 'the model loaded but gave no token', {
    fix: 'choose another model file',
  });
}

const PROBE: Prompt = {
  inferenceId: 'probe',
  conversationId: 'probe',
  model: 'probe',
  messages: [{ role: 'user', text: 'Hello' }],
  prefix: '',
  prefixTokens: 0,
  maxTokens: 1,
  temperature: 0,
  topP: 1,
  seed: 0,
  stop: [],
  format: null,
  tools: null,
};

async function generate(id: number, prompt: Prompt): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  try {
    if (loaded === null) throw notLoaded();
    for await (const part of evaluate(loaded, prompt, controller.signal)) send({ id, ...part });
  } catch (error) {
    if (controller.signal.aborted) send({ type: 'stopped', id });
    else send({ type: 'failed', id, error: toWireError(error, 'engine_failed') });
  } finally {
    running.delete(id);
  }
}

function count(id: number, texts: readonly string[]): void {
  const model = loaded?.model;
  if (model === undefined) send({ type: 'failed', id, error: toWireError(notLoaded(), 'engine_failed') });
  else send({ type: 'counted', id, counts: texts.map((text) => model.tokenize(text, false).length) });
}

function notLoaded(): StenoError {
  return new StenoError('model_not_loaded', 'the engine process has no model yet', { retryable: true });
}
