import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Engine, Part, Prompt } from '../../inference-workers/engine.ts';
import type { TokenCounter } from '../../inference-workers/engines/token-counter.ts';

export type EngineUnderTest = Engine & TokenCounter;
export type Answer = {
  readonly text: string;
  readonly pieces: readonly Extract<Part, { type: 'text' }>[];
  readonly end: Extract<Part, { type: 'end' }>;
};

/** A greedy prompt with fixed defaults. */
export function aPrompt(overrides: Partial<Prompt> = {}): Prompt {
  return {
    inferenceId: 'inference-1',
    conversationId: 'conversation-1',
    model: 'model-1',
    messages: [{ role: 'user', text: 'Write a few sentences about the sea.' }],
    prefix: '',
    prefixTokens: 0,
    maxTokens: 40,
    temperature: 0,
    topP: 1,
    seed: 7,
    stop: [],
    format: null,
    tools: null,
    ...overrides,
  };
}

/** Reads an answer to its end and checks the shape every answer has. */
export async function answer(engine: Engine, prompt: Prompt): Promise<Answer> {
  const pieces: Extract<Part, { type: 'text' }>[] = [];
  let end: Extract<Part, { type: 'end' }> | null = null;
  for await (const part of engine.generate(prompt, { signal: new AbortController().signal })) {
    assert.equal(end, null, 'no part after the end');
    if (part.type === 'text') pieces.push(part);
    else end = part;
  }
  assert.ok(end !== null, 'an answer has an end');
  return { text: pieces.map((piece) => piece.text).join(''), pieces, end };
}

/** What every engine promises; run against each of them. `create` returns one that is not started. */
export function engineContract(name: string, create: () => Promise<EngineUnderTest>): void {
  describe(`${name} keeps the engine contract`, () => {
    let engine: EngineUnderTest;
    before(async () => {
      engine = await create();
      await engine.start();
    });
    after(() => engine.stop());

    test('pieces carry text and tokens, the end counts them', async () => {
      const { pieces, end } = await answer(engine, aPrompt());
      assert.ok(pieces.length > 1);
      for (const piece of pieces) assert.ok(piece.text !== '' && piece.tokens > 0);
      const counted = pieces.reduce((sum, piece) => sum + piece.tokens, 0);
      assert.ok(counted <= end.completionTokens && counted > end.completionTokens - 5);
      assert.ok(end.promptTokens > 0);
      assert.ok(end.cachedTokens >= 0 && end.cachedTokens <= end.promptTokens);
    });

    test('a greedy prompt has one answer', async () => {
      const first = await answer(engine, aPrompt());
      assert.equal((await answer(engine, aPrompt())).text, first.text);
      assert.equal((await answer(engine, aPrompt({ conversationId: 'another' }))).text, first.text);
    });

    test('maxTokens ends an answer with length', async () => {
      const { end } = await answer(engine, aPrompt({ maxTokens: 9 }));
      assert.deepEqual([end.finishReason, end.completionTokens], ['length', 9]);
    });

    test('a prefix counts towards maxTokens', async () => {
      const first = await answer(engine, aPrompt({ maxTokens: 9 }));
      const next = await answer(engine, aPrompt({ maxTokens: 9, prefix: first.text, prefixTokens: 9 }));
      assert.deepEqual([next.text, next.end.finishReason, next.end.completionTokens], ['', 'length', 9]);
    });

    test('an answer goes on after its prefix as if it had not been cut', async () => {
      if (!engine.continues) return;
      const whole = await answer(engine, aPrompt({ maxTokens: 40 }));
      for (let cut = 5; cut < whole.pieces.length; cut += 5) {
        const before = whole.pieces.slice(0, cut);
        const prefix = before.map((piece) => piece.text).join('');
        const prefixTokens = before.reduce((sum, piece) => sum + piece.tokens, 0);
        const conversationId = `cut-${cut}`;
        const rest = await answer(engine, aPrompt({ maxTokens: 40, prefix, prefixTokens, conversationId }));
        assert.equal(prefix + rest.text, whole.text, `cut after ${cut} pieces`);
        assert.equal(rest.end.completionTokens, whole.end.completionTokens);
        assert.equal(rest.end.promptTokens, whole.end.promptTokens);
      }
    });

    test('a stop string ends the answer and is not shown', async () => {
      const whole = await answer(engine, aPrompt());
      const middle = Math.floor(whole.text.length / 2);
      const stop = Array.from(whole.text.slice(middle)).slice(0, 6).join('');
      const cut = await answer(engine, aPrompt({ stop: [stop, 'never said'] }));
      assert.equal(cut.text, whole.text.slice(0, whole.text.indexOf(stop)));
      assert.equal(cut.end.finishReason, 'stop');
    });

    test('text held back for a stop string that never comes is shown at the end', async () => {
      const whole = await answer(engine, aPrompt());
      const stop = `${whole.text.slice(-4)}never said`;
      assert.equal((await answer(engine, aPrompt({ stop: [stop] }))).text, whole.text);
    });

    test('pieces never split a character', async () => {
      const messages = [
        { role: 'user', text: 'Repeat after me: 🙂 日本語 🚀 Ελλάδα [[tokens=200]]' },
      ] as const;
      const { pieces } = await answer(engine, aPrompt({ messages, maxTokens: 60 }));
      for (const piece of pieces) {
        assert.ok(piece.text.isWellFormed(), 'no half of a surrogate pair');
        assert.ok(!piece.text.includes('\uFFFD'), 'no half of a UTF-8 character');
      }
    });

    test('an aborted signal throws its reason and frees the slot', async () => {
      const abort = new AbortController();
      const reason = new Error('cancelled by the user');
      const seen: Part[] = [];
      await assert.rejects(async () => {
        for await (const part of engine.generate(aPrompt(), { signal: abort.signal })) {
          seen.push(part);
          if (seen.length === 3) abort.abort(reason);
        }
      }, reason);
      assert.ok(seen.length >= 3 && seen.every((part) => part.type === 'text'));
      const late = engine.generate(aPrompt(), { signal: abort.signal });
      await assert.rejects(async () => late[Symbol.asyncIterator]().next(), reason);
      assert.equal((await answer(engine, aPrompt({ maxTokens: 4 }))).end.completionTokens, 4);
    });

    test('leaving the loop frees the slot', async () => {
      const conversations = Array.from(
        { length: Math.min(engine.slots, 8) * 2 },
        (_, index) => `left-${index}`,
      );
      for (const conversationId of conversations) {
        const prompt = aPrompt({ conversationId, maxTokens: 200 });
        for await (const part of engine.generate(prompt, { signal: new AbortController().signal })) {
          if (part.type === 'text') break;
        }
      }
      assert.equal((await answer(engine, aPrompt({ maxTokens: 4 }))).end.completionTokens, 4);
    });

    test('more prompts than slots are all answered', async () => {
      const alone = await answer(engine, aPrompt({ maxTokens: 6 }));
      const prompts = Array.from({ length: Math.min(engine.slots, 8) * 2 + 1 }, (_, index) =>
        aPrompt({ conversationId: `many-${index}`, maxTokens: 6 }),
      );
      const answers = await Promise.all(prompts.map((prompt) => answer(engine, prompt)));
      for (const each of answers) assert.equal(each.end.completionTokens, alone.end.completionTokens);
    });

    test('counts are per text and in order', async () => {
      const [none, one, more] = await engine.count(['', 'sea', 'the sea and the sky and the sand']);
      assert.equal(none, 0);
      assert.equal(one, 1);
      assert.ok(more !== undefined && more > 5);
    });
  });
}
