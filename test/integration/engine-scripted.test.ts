import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Part } from '../../inference-workers/engine.ts';
import { ScriptedEngine } from '../../inference-workers/engines/scripted/scripted-engine.ts';
import { answer, aPrompt, engineContract } from '../contract/engine.ts';

engineContract('scripted', () => Promise.resolve(new ScriptedEngine({ defaults: { tokens: 60 }, slots: 4 })));

function asking(text: string): readonly [{ readonly role: 'user'; readonly text: string }] {
  return [{ role: 'user', text }];
}

test('two engines write the same answer to the same words, other words another', async () => {
  const engines = [new ScriptedEngine(), new ScriptedEngine()] as const;
  const prompt = aPrompt({ maxTokens: 500 });
  const first = await answer(engines[0], prompt);
  assert.equal((await answer(engines[1], prompt)).text, first.text);
  assert.notEqual((await answer(engines[1], aPrompt({ messages: asking('Another?') }))).text, first.text);
  assert.equal(first.end.finishReason, 'stop');
});

test('without a pause an answer uses no timer', async () => {
  let turns = 0;
  const immediate = setImmediate(() => (turns += 1));
  await answer(new ScriptedEngine(), aPrompt({ messages: asking('[[tokens=5000]]'), maxTokens: 5000 }));
  assert.equal(turns, 0, 'the event loop did not turn once');
  clearImmediate(immediate);
});

test('a failure at a token is passed by the attempt that goes on from there', async () => {
  const engine = new ScriptedEngine();
  const messages = asking('What now? [[tokens=20 unavailable=after:5]]');
  const seen: string[] = [];
  await assert.rejects(
    async () => {
      for await (const part of engine.generate(aPrompt({ messages }), {
        signal: new AbortController().signal,
      })) {
        if (part.type === 'text') seen.push(part.text);
      }
    },
    { code: 'engine_unavailable', retryable: true },
  );
  assert.equal(seen.length, 5);
  const rest = await answer(engine, aPrompt({ messages, prefix: seen.join(''), prefixTokens: 5 }));
  assert.deepEqual([rest.pieces.length, rest.end.completionTokens], [15, 20]);
});

test('a failure that is always there meets every attempt', async () => {
  const engine = new ScriptedEngine();
  const messages = asking('What now? [[tokens=20 fail=always:2]]');
  for (const prefixTokens of [0, 5]) {
    const prompt = aPrompt({ messages, prefix: prefixTokens === 0 ? '' : 'another text', prefixTokens });
    await assert.rejects(answer(engine, prompt), { code: 'engine_failed', retryable: false });
  }
});

test('a hanging answer ends when it is aborted', async () => {
  const abort = new AbortController();
  const parts: Part[] = [];
  const messages = asking('[[tokens=20 hang=after:3]]');
  await assert.rejects(
    async () => {
      for await (const part of new ScriptedEngine().generate(aPrompt({ messages }), {
        signal: abort.signal,
      })) {
        parts.push(part);
        if (parts.length === 3) setImmediate(() => abort.abort());
      }
    },
    { name: 'AbortError' },
  );
  assert.equal(parts.length, 3);
});

test('abort= ends the process only where the engine was built for it', async () => {
  let aborted = 0;
  const messages = asking('[[tokens=9 abort=after:2]]');
  const armed = new ScriptedEngine({ abort: () => (aborted += 1) });
  await assert.rejects(answer(armed, aPrompt({ messages })), { code: 'engine_unavailable' });
  assert.equal(aborted, 1);
  await assert.rejects(answer(new ScriptedEngine(), aPrompt({ messages })), { code: 'engine_unavailable' });
});

test('echo=1 answers with the message', async () => {
  const { text } = await answer(new ScriptedEngine(), aPrompt({ messages: asking('say 🙂 it [[echo=1]]') }));
  assert.equal(text, 'say 🙂 it');
});
