import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startOpenAiPlatform, type OpenAiPlatform } from '../support/openai-platform.ts';
import {
  assertWhole,
  inferenceOfResponse,
  responseIn,
  resumed,
  streamed,
  textOfEvents,
} from '../support/openai-responses.ts';
import { nodeSdks, thrownBy } from '../support/openai-sdks.ts';
import { collect } from '../support/collect.ts';

/** OpenAI's own Node SDK, its newest version and one of a year ago: what /v1/responses refuses, and what fails there. */

let openai: OpenAiPlatform;
before(async () => {
  openai = await startOpenAiPlatform();
});
after(async () => {
  await openai.stop();
});

/** Each with the parameter that the refusal names. */
const refused: readonly (readonly [Record<string, unknown>, string])[] = [
  [{ input: undefined }, 'input'],
  [{ input: [] }, 'input'],
  [
    { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'https://x.y/z' }] }] },
    'input[0].content',
  ],
  [{ input: [{ type: 'function_call_output', call_id: 'c', output: 'x' }] }, 'input[0].call_id'],
  [{ input: [{ role: 'assistant', content: 'I say' }] }, 'input[0].role'],
  [{ input: '' }, 'input'],
  [{ tools: [{ type: 'web_search' }] }, 'tools[0].type'],
  [{ text: { format: { type: 'json_schema', name: 'x', schema: {} } } }, 'text.format.schema.type'],
  [{ include: ['message.output_text.logprobs'] }, 'include[0]'],
  [{ include: ['what.is.this'] }, 'include[0]'],
  [{ n: 2 }, 'n'],
  [{ store: false }, 'store'],
  [{ truncation: 'disabled' }, 'truncation'],
  [{ prompt: { id: 'pmpt_1' } }, 'prompt'],
  [{ max_output_tokens: 0 }, 'max_output_tokens'],
  [{ temperature: 3 }, 'temperature'],
  [{ metadata: { key: 7 } }, 'metadata.key'],
  [{ conversation: 'conv_1', previous_response_id: 'resp_1' }, 'previous_response_id'],
  [{ previous_response_id: 'resp_nobody-knows-this-000' }, 'previous_response_id'],
  [{ previous_response_id: 'chatcmpl-1' }, 'previous_response_id'],
];

for (const { name, open } of nodeSdks) {
  const client = (more?: Parameters<typeof open>[1]): ReturnType<typeof open> => open(openai, more);
  const asked = (input: string) => ({ model: 'scripted', input });

  test(`${name}: what would change the meaning and cannot be done is refused by name`, async () => {
    for (const [fields, param] of refused) {
      const thrown = await thrownBy(() => client().responses.create({ ...asked('x'), ...fields }));
      assert.deepEqual([thrown.status, thrown.param], [400, param], JSON.stringify(fields));
    }
    const unknown = await thrownBy(() => client().responses.create({ ...asked('x'), model: 'gpt-99' }));
    assert.deepEqual([unknown.status, unknown.code, unknown.param], [404, 'model_not_found', 'model']);
    for (const way of [{ stream: true as const }, { background: true }, {}]) {
      const call = { ...asked('x'), conversation: 'conv_nowhere', ...way };
      const lost = await thrownBy(async () => client().responses.create(call));
      assert.deepEqual([lost.status, lost.code], [404, 'not_found']);
    }
    const harmless = { tools: [], include: [], text: { format: { type: 'text' as const } }, store: true };
    assert.equal((await client().responses.create({ ...asked('x'), ...harmless })).status, 'completed');
  });

  test(`${name}: another tenant's response does not exist, whatever is asked of it`, async () => {
    const { id } = await client().responses.create(asked('mine'));
    const stranger = client({ apiKey: openai.otherKey }).responses;
    for (const responses of [stranger, client().responses]) {
      const named = responses === stranger ? id : 'resp_nobody-knows-this-000';
      for (const call of [
        () => responses.retrieve(named),
        () => responses.retrieve(named, { stream: true }),
        () => responses.cancel(named),
        () => responses.delete(named),
      ]) {
        const thrown = await thrownBy(call);
        assert.deepEqual([thrown.status, thrown.code], [404, 'not_found']);
      }
    }
    const continued = await thrownBy(() => stranger.create({ ...asked('go on'), previous_response_id: id }));
    assert.deepEqual([continued.status, continued.code], [400, 'previous_response_not_found']);
    assert.equal((await client().responses.retrieve(id)).id, id);
  });

  test(`${name}: a failure before the first record is an HTTP error, and a failed response to who asks later`, async () => {
    const ids: string[] = [];
    const watched = client({
      async fetch(url, init) {
        const response = await fetch(url, init);
        ids.push(response.headers.get('x-steno-inference') ?? '');
        return response;
      },
    });
    const nowhere = { ...asked('x'), conversation: 'conv_nowhere' };
    await thrownBy(() => watched.responses.create(nowhere));
    const rejected = await thrownBy(() =>
      client().responses.retrieve(ids.pop()?.replace(/^inf_/, 'resp_') ?? ''),
    );
    assert.deepEqual([rejected.status, rejected.code], [404, 'not_found']);
    const failed = await thrownBy(() => watched.responses.create(asked('x [[fail=always:0]]')));
    assert.deepEqual([failed.status, failed.code], [500, 'engine_failed']);
    assert.equal(failed.headers?.get('x-should-retry'), 'false');
    const id = ids[0]?.replace(/^inf_/, 'resp_') ?? '';
    const kept = await client().responses.retrieve(id);
    assert.deepEqual([kept.status, kept.error?.code, kept.output], ['failed', 'engine_failed', []]);
    assertWhole(await resumed(client(), id), 'response.failed');
  });

  test(`${name}: a failure after text was streamed is the last event, and the text is kept`, async () => {
    const events = await streamed(client(), asked('x [[tokens=20 fail=after:5]]'));
    assertWhole(events, 'response.failed');
    const response = responseIn(events.at(-1));
    assert.equal(response.error?.code, 'engine_failed');
    assert.ok(textOfEvents(events).length > 0);
    const { output_text: text, ...kept } = await client().responses.retrieve(response.id);
    assert.deepEqual([text, kept], [textOfEvents(events), response]);
    assert.deepEqual(await resumed(client(), response.id, 5), events.slice(6));
  });

  test(`${name}: a retry of the SDK goes on with the response it lost`, async () => {
    const sent: (string | null)[] = [];
    const cut = client({
      maxRetries: 2,
      async fetch(url, init) {
        const response = await fetch(url, init);
        sent.push(new Headers(init?.headers).get('x-stainless-retry-count'));
        if (sent.length > 1) return response;
        await response.body?.cancel();
        throw new TypeError('the connection was lost');
      },
    });
    const input = `lost ${name} [[tokens=40 pace=20]]`;
    const events = await collect(await cut.responses.create({ ...asked(input), stream: true }));
    assert.deepEqual(sent, ['0', '1']);
    assertWhole(events, 'response.completed');
    const made = (await openai.conversations()).filter(
      (event) => event.type === 'InferenceCompleted' && event.data.content.text === textOfEvents(events),
    );
    assert.equal(made.length, 1);
    assert.equal(
      (await openai.endOf(inferenceOfResponse(responseIn(events[0]).id)))?.type,
      'InferenceCompleted',
    );
  });

  test(`${name}: a response is never deleted, and nobody is told that it was`, async () => {
    const { id } = await client().responses.create(asked('for ever'));
    const thrown = await thrownBy(() => client().responses.delete(id));
    assert.deepEqual([thrown.status, thrown.code], [501, 'not_supported']);
    assert.equal(thrown.headers?.get('x-should-retry'), 'false');
    assert.equal((await client().responses.retrieve(id)).id, id);
  });

  test(`${name}: starting_after is for streams, and a number`, async () => {
    const { id } = await client().responses.create(asked('x'));
    const plain = await thrownBy(() => client().responses.retrieve(id, { starting_after: 3 }));
    assert.deepEqual([plain.status, plain.param], [400, 'starting_after']);
    const odd = await thrownBy(() => client().responses.retrieve(id, { stream: true, starting_after: -7 }));
    assert.deepEqual([odd.status, odd.param], [400, 'starting_after']);
  });
}
