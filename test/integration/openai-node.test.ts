import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { textOf } from '../../streams/parts.ts';
import { collect } from '../support/collect.ts';
import { startOpenAiPlatform, type OpenAiPlatform } from '../support/openai-platform.ts';
import { inferenceOf, nodeSdks, scripted, thrownBy } from '../support/openai-sdks.ts';

/** OpenAI's own Node SDK, its newest version and one of a year ago: answers of /v1/chat/completions, and models. */

let openai: OpenAiPlatform;
before(async () => {
  openai = await startOpenAiPlatform();
});
after(async () => {
  await openai.stop();
});

/** The roles and texts that the model was asked with. */
async function promptOf(completionId: string): Promise<readonly (readonly [string, string])[]> {
  const inferenceId = inferenceOf(completionId);
  const requests = await openai.requests('scripted');
  const found = requests.find(
    (event) => event.type === 'InferenceRequested' && event.data.inferenceId === inferenceId,
  );
  assert.ok(found?.type === 'InferenceRequested');
  return found.data.messages.map(({ role, parts }) => [role, textOf(parts)] as const);
}

for (const { name, open } of nodeSdks) {
  const client = (more?: Parameters<typeof open>[1]): ReturnType<typeof open> => open(openai, more);

  test(`${name}: a stream shows what is recorded, and its chunks name one completion`, async () => {
    const stream = await client().chat.completions.create({
      ...scripted(`stream ${name} [[tokens=30]]`),
      stream: true,
    });
    const chunks = await collect(stream);
    assert.deepEqual(chunks[0]?.choices[0]?.delta, { role: 'assistant', content: '' });
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'stop');
    assert.equal(new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`)).size, 1);
    assert.equal(chunks[0].model, 'scripted');
    assert.ok(chunks.every((chunk) => chunk.usage === undefined));
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
    const end = await openai.endOf(inferenceOf(chunks[0].id));
    assert.ok(end?.type === 'InferenceCompleted');
    assert.equal(text, end.data.content.text);
  });

  test(`${name}: usage is one more chunk where it is asked for`, async () => {
    const stream = await client().chat.completions.create({
      ...scripted('count [[tokens=7]]'),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await collect(stream);
    const last = chunks.at(-1);
    assert.deepEqual(last?.choices, []);
    assert.equal(last.usage?.completion_tokens, 7);
    assert.equal(last.usage.total_tokens, last.usage.prompt_tokens + 7);
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
  });

  test(`${name}: in one piece, with the caps and names of both`, async () => {
    const asked = {
      ...scripted('short [[tokens=30]]'),
      max_completion_tokens: 5,
      user: 'eve',
      metadata: { team: 'red' },
    };
    const { data, response, request_id } = await client().chat.completions.create(asked).withResponse();
    assert.equal(data.object, 'chat.completion');
    assert.equal(data.choices[0]?.finish_reason, 'length');
    assert.equal(data.usage?.completion_tokens, 5);
    assert.ok(request_id !== null && request_id !== '');
    const inferenceId = response.headers.get('x-steno-inference');
    assert.equal(inferenceOf(data.id), inferenceId);
    const submitted = (await openai.conversations()).find(
      (event) => event.type === 'MessageSubmitted' && event.data.inferenceId === inferenceId,
    );
    assert.ok(submitted?.type === 'MessageSubmitted');
    assert.equal(submitted.data.subjectId, 'eve');
    assert.deepEqual({ ...submitted.data.metadata }, { team: 'red' });
    assert.equal(submitted.data.conversationId, response.headers.get('x-steno-conversation'));
  });

  test(`${name}: stop texts end the answer and are no part of it`, async () => {
    const said = scripted('[[echo=1]]one two three four');
    const whole = await client().chat.completions.create(said);
    assert.equal(whole.choices[0]?.message.content, 'one two three four');
    const stopped = await client().chat.completions.create({ ...said, stop: [' three', 'never'] });
    assert.equal(stopped.choices[0]?.message.content, 'one two');
    assert.equal(stopped.choices[0].finish_reason, 'stop');
  });

  test(`${name}: history and roles become the prompt, in a conversation of its own and in a named one`, async () => {
    const history = [
      { role: 'developer' as const, content: 'be brief' },
      { role: 'user' as const, content: 'first' },
      { role: 'assistant' as const, content: 'said' },
    ];
    const second = {
      role: 'user' as const,
      content: [
        { type: 'text' as const, text: 'sec' },
        { type: 'text' as const, text: 'ond' },
      ],
    };
    const { completions } = client().chat;
    const asked = { model: 'scripted', messages: [...history, second] };
    const { data, response } = await completions.create(asked).withResponse();
    const answer = data.choices[0]?.message.content ?? '';
    const before = [
      ['system', 'be brief'],
      ['user', 'first'],
      ['assistant', 'said'],
      ['user', 'second'],
    ];
    assert.deepEqual(await promptOf(data.id), before);

    const headers = { 'x-steno-conversation': response.headers.get('x-steno-conversation') ?? '' };
    const said = { role: 'assistant' as const, content: answer };
    const third = { role: 'user' as const, content: 'third' };
    const messages = [...history, second, said, third];
    const more = await completions.create({ model: 'scripted', messages }, { headers });
    assert.deepEqual(await promptOf(more.id), [...before, ['assistant', answer], ['user', 'third']]);
  });

  test(`${name}: a call may bring far more history than a message may hold, within a limit`, async () => {
    const messages = (bytes: number) => [
      { role: 'assistant' as const, content: 'x'.repeat(bytes) },
      { role: 'user' as const, content: 'and now? [[tokens=2]]' },
    ];
    const { completions } = client().chat;
    const answer = await completions.create({ model: 'scripted', messages: messages(200_000) });
    assert.equal(answer.usage?.completion_tokens, 2);
    const large = await thrownBy(() =>
      completions.create({ model: 'scripted', messages: messages(1_100_000) }),
    );
    assert.deepEqual([large.status, large.code], [413, 'too_large']);
  });

  test(`${name}: a named conversation goes on; that of another tenant does not exist`, async () => {
    const { response } = await client().chat.completions.create(scripted('hello')).withResponse();
    const headers = { 'x-steno-conversation': response.headers.get('x-steno-conversation') ?? '' };
    const more = await client().chat.completions.create(scripted('and on'), { headers }).withResponse();
    assert.equal(more.response.headers.get('x-steno-conversation'), headers['x-steno-conversation']);
    for (const stream of [true, false]) {
      const stranger = await thrownBy(() =>
        client({ apiKey: openai.otherKey }).chat.completions.create(
          { ...scripted('mine?'), stream },
          { headers },
        ),
      );
      assert.deepEqual([stranger.status, stranger.code], [404, 'not_found']);
    }
  });

  test(`${name}: models are listed and read`, async () => {
    const models = await collect(client().models.list());
    assert.deepEqual(
      models.map(({ id, object }) => [id, object]),
      [['scripted', 'model']],
    );
    assert.equal((await client().models.retrieve('scripted')).id, 'scripted');
    const unknown = await thrownBy(() => client().models.retrieve('no/such model'));
    assert.deepEqual([unknown.status, unknown.code], [404, 'model_not_found']);
  });

  test(`${name}: a model without a worker is refused; a well-known name is answered by the default model`, async () => {
    const unserved = await thrownBy(() =>
      client().chat.completions.create({ ...scripted('x'), model: 'default' }),
    );
    assert.deepEqual([unserved.status, unserved.code], [503, 'model_not_served']);
    assert.equal(unserved.headers?.get('retry-after-ms'), '1000');
    const answer = await client().chat.completions.create({ ...scripted('x'), model: 'gpt-4o-mini' });
    assert.equal(answer.model, 'scripted');
  });

  test(`${name}: who asks for ids can go on at the native route`, async () => {
    const headers = { 'x-steno-resumable': 'true' };
    const asked = { ...scripted('[[tokens=12]] resumable'), stream: true as const };
    const { response } = await client().chat.completions.create(asked, { headers }).withResponse();
    const ids = [...(await response.text()).matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    assert.deepEqual(ids, [...ids.keys()]);
    const resumed = await fetch(
      `${openai.baseURL}/inferences/${response.headers.get('x-steno-inference')}/stream?after=${ids.length - 3}&token=${response.headers.get('x-steno-resume-token')}`,
      { headers: { authorization: `Bearer ${openai.apiKey}` } },
    );
    const more = [...(await resumed.text()).matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    assert.deepEqual(more, ids.slice(-2));
  });
}
