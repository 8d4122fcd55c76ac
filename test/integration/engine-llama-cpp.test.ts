import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createEngine } from '../../inference-workers/engines/create-engine.ts';
import { LlamaCppEngine } from '../../inference-workers/engines/llama-cpp/llama-cpp-engine.ts';
import { StenoError } from '../../runtime/errors.ts';
import { createLogger } from '../../runtime/logger.ts';
import { answer, aPrompt, engineContract } from '../contract/engine.ts';
import { defaultModel } from '../support/default-model.ts';

const logger = createLogger({ role: 'test', level: 'silent' });

engineContract('llama-cpp', async () => {
  const { entry, modelPath } = await defaultModel();
  return createEngine(entry, { modelPath, logger, threads: null });
});

describe('llama-cpp engine', () => {
  let modelPath: string;
  let engine: LlamaCppEngine;
  before(async () => {
    ({ modelPath } = await defaultModel());
    engine = new LlamaCppEngine({ modelPath, contextLength: 1024, sequences: 4, threads: 1, logger });
    await engine.start();
  });
  after(() => engine.stop());

  test('the second turn of a conversation reuses its KV cache', async () => {
    const question = { role: 'user', text: 'Name three colours.' } as const;
    const first = await answer(engine, aPrompt({ conversationId: 'warm', messages: [question] }));
    const messages = [
      question,
      { role: 'assistant', text: first.text },
      { role: 'user', text: 'And one more?' },
    ] as const;
    const warm = await answer(engine, aPrompt({ conversationId: 'warm', messages }));
    assert.ok(warm.end.cachedTokens >= first.end.promptTokens);
    assert.ok(warm.end.cachedTokens < warm.end.promptTokens);
  });

  test('four answers interleave and a fifth waits for the first end', async () => {
    const order: string[] = [];
    const run = async (name: string): Promise<void> => {
      const prompt = aPrompt({ conversationId: name, maxTokens: 12 });
      for await (const part of engine.generate(prompt, { signal: new AbortController().signal })) {
        if (part.type === 'end') order.push(`${name} end`);
        else if (!order.includes(`${name} first`)) order.push(`${name} first`);
      }
    };
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(run));
    const firstEnd = order.findIndex((step) => step.endsWith('end'));
    assert.deepEqual(order.slice(0, firstEnd).sort(), ['a first', 'b first', 'c first', 'd first']);
    assert.ok(order.indexOf('e first') > firstEnd);
  });

  test('a seed decides a sampled answer', async () => {
    const sampled = (seed: number): Promise<string> =>
      answer(engine, aPrompt({ temperature: 1, topP: 0.95, seed })).then(({ text }) => text);
    const first = await sampled(1);
    assert.equal(await sampled(1), first);
    assert.notEqual(await sampled(2), first);
  });

  test('a prompt larger than the context is refused, and the engine goes on', async () => {
    const messages = [{ role: 'user', text: 'word '.repeat(1100) }] as const;
    await assert.rejects(answer(engine, aPrompt({ messages })), {
      code: 'prompt_too_large',
      retryable: false,
    });
    assert.equal((await answer(engine, aPrompt({ maxTokens: 3 }))).end.completionTokens, 3);
  });

  test('an answer ends with length where the context ends', async () => {
    const small = new LlamaCppEngine({ modelPath, contextLength: 256, sequences: 1, threads: 1, logger });
    await small.start();
    const messages = [{ role: 'user', text: 'Write a long story about a cat.' }] as const;
    const { end } = await answer(small, aPrompt({ messages, maxTokens: 500 }));
    await small.stop();
    assert.equal(end.finishReason, 'length');
    assert.equal(end.promptTokens + end.completionTokens, 255);
  });

  test('a crash fails what ran, and the next prompt meets a new process', async () => {
    const before = await answer(engine, aPrompt());
    const crashed = engine.processId;
    const abandoned = ['x', 'y'].map(async (conversationId) => {
      const prompt = aPrompt({
        conversationId,
        maxTokens: 400,
        messages: [{ role: 'user', text: 'Tell a long story.' }],
      });
      for await (const part of engine.generate(prompt, { signal: new AbortController().signal })) {
        if (part.type === 'text' && engine.processId === crashed) process.kill(crashed, 'SIGKILL');
      }
    });
    for (const settled of await Promise.allSettled(abandoned)) {
      assert.ok(settled.status === 'rejected');
      assert.ok(settled.reason instanceof StenoError);
      assert.deepEqual([settled.reason.code, settled.reason.retryable], ['engine_unavailable', true]);
    }
    assert.equal((await answer(engine, aPrompt())).text, before.text);
    assert.notEqual(engine.processId, crashed);
  });

  test('a process that does not let go of an aborted answer is replaced', async () => {
    const stuck = new LlamaCppEngine({
      modelPath,
      contextLength: 512,
      sequences: 1,
      threads: 1,
      logger,
      letGoMs: 50,
    });
    await stuck.start();
    const first = stuck.processId;
    for await (const part of stuck.generate(aPrompt(), { signal: new AbortController().signal })) {
      process.kill(first, 'SIGSTOP');
      if (part.type === 'text') break;
    }
    assert.equal((await answer(stuck, aPrompt({ maxTokens: 2 }))).end.completionTokens, 2);
    assert.notEqual(stuck.processId, first);
    await stuck.stop();
  });

  test('a file that is no model is one clear line', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'steno-engine-'));
    for (const [name, bytes] of [
      ['text.gguf', 'hello'],
      ['cut.gguf', 'GGUF\u0003\0\0\0'],
    ] as const) {
      const path = join(folder, name);
      await writeFile(path, bytes);
      const bad = new LlamaCppEngine({
        modelPath: path,
        contextLength: 512,
        sequences: 1,
        threads: 1,
        logger,
      });
      await assert.rejects(bad.start(), (error: Error & { code?: string; fix?: string }) => {
        assert.equal(error.code, 'model_bad_file');
        assert.ok(error.message.includes(path) && !error.message.includes('\n'));
        assert.ok(error.fix !== undefined);
        return true;
      });
      await bad.stop();
    }
    await rm(folder, { recursive: true });
  });

  test('the engine process ends with its worker', async () => {
    const program = `
      import { LlamaCppEngine } from ${JSON.stringify(new URL('../../inference-workers/engines/llama-cpp/llama-cpp-engine.ts', import.meta.url).href)};
      const none = () => undefined;
      const logger = { debug: none, info: none, warn: none, error: none };
      const engine = new LlamaCppEngine({ modelPath: ${JSON.stringify(modelPath)}, contextLength: 512, sequences: 1, threads: 1, logger });
      await engine.start();
      console.log(engine.processId);`;
    const worker = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(worker.stdout, 'data')) as [Buffer];
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    while (isAlive(Number(line.toString()))) await delay(20);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
