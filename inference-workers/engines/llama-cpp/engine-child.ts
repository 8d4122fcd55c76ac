import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Part, Prompt } from '../../engine.ts';
import { StenoError } from '../../../runtime/errors.ts';
import type { PartQueue } from './part-queue.ts';
import { createPartQueue } from './part-queue.ts';
import type { EngineFacts, FromEngine, LoadOptions, ToEngine } from './protocol.ts';
import { fromWireError } from './wire-error.ts';

/** One run of the engine process, seen from the worker. */
export interface EngineChild {
  readonly pid: number;
  /** Resolves after a first token; rejects with the StenoError that says why the model cannot be used. */
  readonly ready: Promise<EngineFacts>;
  /** Resolves to why the process ended; every call still open has failed with `engine_unavailable` by then. */
  readonly exited: Promise<string>;
  generate(prompt: Prompt): Run;
  count(texts: readonly string[]): Promise<readonly number[]>;
  /** Ends the process by force. */
  kill(): void;
  /** Lets the process end by itself, and by force after two seconds. */
  close(): Promise<void>;
}

/** One answer in the engine process. */
export type Run = {
  readonly parts: PartQueue<Part>;
  /** Resolves when the process works on it no more. */
  readonly finished: Promise<unknown>;
  abort(): void;
};

const CLOSE_MS = 2_000;
const PROGRAM = fileURLToPath(new URL('./engine-process.ts', import.meta.url));

/** Starts the engine process and has it load its model. */
export function forkEngine(options: LoadOptions): EngineChild {
  const child = fork(PROGRAM, [], {
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const ready = Promise.withResolvers<EngineFacts>();
  const exited = Promise.withResolvers<string>();
  const runs = new Map<number, { readonly parts: PartQueue<Part>; readonly finish: () => void }>();
  const counts = new Map<number, PromiseWithResolvers<readonly number[]>>();
  let lastId = 0;
  let stderr = '';

  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-2_000)));
  child.on('message', (message) => receive(message as FromEngine)); // our own process speaks our protocol
  child.on('error', (error) => gone(error.message));
  child.on('exit', (code, signal) => gone(signal ?? `exit code ${code}`));
  ready.promise.catch(() => undefined);
  send({ type: 'load', options });

  function send(message: ToEngine): void {
    if (child.connected) child.send(message, () => undefined);
    else failOpenCalls('it is gone');
  }

  function receive(message: FromEngine): void {
    if (message.type === 'ready') ready.resolve(message.facts);
    else if (message.type === 'load-failed') ready.reject(fromWireError(message.error));
    else if (message.type === 'counted') counts.get(message.id)?.resolve(message.counts);
    else if (message.type === 'text') runs.get(message.id)?.parts.push(partOf(message));
    else finish(message);
  }

  function finish(message: Extract<FromEngine, { type: 'end' | 'stopped' | 'failed' }>): void {
    const run = runs.get(message.id);
    if (message.type === 'end') run?.parts.push(partOf(message));
    if (message.type === 'failed') {
      run?.parts.fail(fromWireError(message.error));
      counts.get(message.id)?.reject(fromWireError(message.error));
    }
    run?.finish();
  }

  function gone(why: string): void {
    ready.reject(unavailable(why, lastLine(stderr)));
    failOpenCalls(why);
    exited.resolve(why);
  }

  function failOpenCalls(why: string): void {
    const error = unavailable(why, lastLine(stderr));
    for (const run of runs.values()) {
      run.parts.fail(error);
      run.finish();
    }
    for (const count of counts.values()) count.reject(error);
  }

  return {
    pid: child.pid ?? 0,
    ready: ready.promise,
    exited: exited.promise,
    generate(prompt) {
      const id = (lastId += 1);
      const parts = createPartQueue<Part>();
      const finished = Promise.withResolvers<undefined>();
      const finishRun = (): void => {
        runs.delete(id);
        parts.end();
        finished.resolve(undefined);
      };
      runs.set(id, { parts, finish: finishRun });
      send({ type: 'generate', id, prompt });
      const abort = (): void => {
        if (runs.has(id)) send({ type: 'abort', id });
      };
      return { parts, finished: finished.promise, abort };
    },
    async count(texts) {
      const id = (lastId += 1);
      const answer = Promise.withResolvers<readonly number[]>();
      counts.set(id, answer);
      send({ type: 'count', id, texts });
      return answer.promise.finally(() => counts.delete(id));
    },
    kill: () => void child.kill('SIGKILL'),
    async close() {
      if (child.connected) child.disconnect();
      const force = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS);
      await exited.promise;
      clearTimeout(force);
    },
  };
}

/** The part a message carries: all of it but its address. */
function partOf<Message extends Part & { readonly id: number }>(message: Message): Omit<Message, 'id'> {
  const { id: _, ...part } = message;
  return part;
}

function unavailable(why: string, detail: string): StenoError {
  return new StenoError('engine_unavailable', `the engine process ended: ${why}`, {
    retryable: true,
    facts: { why, detail },
  });
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
