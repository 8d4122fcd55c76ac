import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { textOf } from '../../streams/parts.ts';
import { collect } from '../support/collect.ts';
import { startOpenAiPlatform, type OpenAiPlatform } from '../support/openai-platform.ts';
import { inferenceOf, nodeSdks, scripted, thrownBy } from '../support/openai-sdks.ts';
import { until } from '../support/until.ts';

/** OpenAI's own Node SDK, its newest version and one of a year ago: failures, repeats and clients that go away. */

let openai: OpenAiPlatform;
before(async () => {
  openai = await startOpenAiPlatform();
});
after(async () => {
  await openai.stop();
});

for (const { name, open } of nodeSdks) {
  const client = (more?: Parameters<typeof open>[1]): ReturnType<typeof open> => open(openai, more);

  test(`${name}: failures before the first record are HTTP errors with their code and param`, async () => {
    const { completions } = client().chat;
    const unknown = await thrownBy(() => completions.create({ ...scripted('x'), model: 'gpt-99' }));
    assert.deepEqual([unknown.status, unknown.code, unknown.param], [404, 'model_not_found', 'model']);
    const image = { type: 'image_url' as const, image_url: { url: 'https://example.com/x.png' } };
    const seen = await thrownBy(() =>
      completions.create({ model: 'scripted', messages: [{ role: 'user', content: [image] }] }),
    );
    assert.deepEqual([seen.status, seen.param], [400, 'messages[0].content']);
    const stranger = await thrownBy(() =>
      client({ apiKey: 'sk-wrong' }).chat.completions.create(scripted('x')),
    );
    assert.deepEqual([stranger.status, stranger.code], [401, 'invalid_api_key']);
    const failed = await thrownBy(() => completions.create(scripted('x [[fail=always:0]]')));
    assert.deepEqual([failed.status, failed.code], [500, 'engine_failed']);
    assert.equal(failed.headers?.get('x-should-retry'), 'false');
    const asked = {
      model: 'scripted',
      messages: [{ role: 'user' as const, content: 'x' }],
      stream: true as const,
    };
    const nowhere = await thrownBy(() =>
      completions.create(asked, { headers: { 'x-steno-conversation': 'conv_nowhere' } }),
    );
    assert.deepEqual([nowhere.status, nowhere.code], [404, 'not_found']);
  });

  test(`${name}: a failure after text was streamed is raised, never taken for the end`, async () => {
    const seen: string[] = [];
    const failed = await thrownBy(async () => {
      const stream = await client().chat.completions.create({
        ...scripted('x [[tokens=20 fail=after:5]]'),
        stream: true,
      });
      for await (const chunk of stream) seen.push(chunk.choices[0]?.delta.content ?? '');
    });
    assert.equal(failed.code, 'engine_failed');
    assert.ok(seen.join('').length > 0);
  });

  test(`${name}: a key makes one answer, streamed or not, and another body under it is refused`, async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const asked = scripted('only once [[tokens=12]]');
    const { completions } = client().chat;
    const first = await completions.create(asked, { headers });
    const again = await completions.create(asked, { headers });
    const chunks = await collect(await completions.create({ ...asked, stream: true }, { headers }));
    const streamed = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
    assert.deepEqual([again.id, chunks[0]?.id], [first.id, first.id]);
    assert.deepEqual([again.choices, streamed], [first.choices, first.choices[0]?.message.content]);
    const other = await thrownBy(() => completions.create(scripted('something else'), { headers }));
    assert.deepEqual([other.status, other.code], [422, 'idempotency_mismatch']);
    assert.equal(other.headers?.get('x-should-retry'), 'false');
  });

  test(`${name}: a retry of the SDK goes on with the answer it lost`, async () => {
    const sent: (string | null)[] = [];
    const inferences: (string | null)[] = [];
    const cut = client({
      maxRetries: 2,
      async fetch(url, init) {
        const response = await fetch(url, init);
        sent.push(new Headers(init?.headers).get('x-stainless-retry-count'));
        inferences.push(response.headers.get('x-steno-inference'));
        if (sent.length > 1) return response;
        await response.body?.cancel();
        throw new TypeError('the connection was lost');
      },
    });
    const stream = await cut.chat.completions.create({
      ...scripted(`lost ${name} [[tokens=40 pace=20]]`),
      stream: true,
    });
    const chunks = await collect(stream);
    assert.deepEqual(sent, ['0', '1']);
    assert.equal(inferences[0], inferences[1]);
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'stop');
    assert.equal((await openai.endOf(inferences[0] ?? ''))?.type, 'InferenceCompleted');
  });

  test(`${name}: a client that goes away stops its answer after the grace`, { timeout: 60_000 }, async () => {
    const waits = `${name} waits for all`;
    const asked = { ...scripted(`${waits} [[tokens=4000 pace=20]]`), max_completion_tokens: 4000 };
    const { completions } = client().chat;
    const stream = await completions.create({
      ...asked,
      ...scripted('long [[tokens=4000 pace=20]]'),
      stream: true,
    });
    const inferences: string[] = [];
    for await (const chunk of stream) {
      inferences.push(inferenceOf(chunk.id));
      stream.controller.abort();
    }
    const leaving = new AbortController();
    const whole = thrownBy(() => completions.create(asked, { signal: leaving.signal }));
    await until('the message is on the log', async () => {
      const found = (await openai.conversations()).find(
        (event) => event.type === 'MessageSubmitted' && textOf(event.data.parts).startsWith(waits),
      );
      if (found?.type === 'MessageSubmitted') inferences.push(found.data.inferenceId);
      return found !== undefined;
    });
    leaving.abort();
    await whole;
    for (const inferenceId of inferences) {
      await until(
        'the answer was cancelled',
        async () => (await openai.endOf(inferenceId)) !== undefined,
        40_000,
      );
      const end = await openai.endOf(inferenceId);
      assert.ok(end?.type === 'InferenceCancelled');
      assert.equal(end.data.cancelReason, 'disconnect');
    }
  });
}
