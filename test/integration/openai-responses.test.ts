import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { textOf } from '../../streams/parts.ts';
import { startOpenAiPlatform, type OpenAiPlatform } from '../support/openai-platform.ts';
import {
  assertWhole,
  inferenceOfResponse,
  responseIn,
  resumed,
  streamed,
  textOfEvents,
  type ResponseEvent,
} from '../support/openai-responses.ts';
import { nodeSdks, thrownBy } from '../support/openai-sdks.ts';
import { until } from '../support/until.ts';

/** OpenAI's own Node SDK, its newest version and one of a year ago: /v1/responses, at two gateways. */

let openai: OpenAiPlatform;
let second: string;
before(async () => {
  openai = await startOpenAiPlatform();
  const gateway = await openai.platform.start('gateway', { STENO_REPLY_PARTITION: '7' });
  second = `${gateway.address ?? ''}/v1`;
});
after(async () => {
  await openai.stop();
});

/** The roles and texts that the model was asked with. */
async function promptOf(responseId: string): Promise<readonly (readonly [string, string])[]> {
  const inferenceId = inferenceOfResponse(responseId);
  const requests = await openai.requests('scripted');
  const found = requests.find(
    (event) => event.type === 'InferenceRequested' && event.data.inferenceId === inferenceId,
  );
  assert.ok(found?.type === 'InferenceRequested');
  return found.data.messages.map(({ role, parts }) => [role, textOf(parts)] as const);
}

for (const { name, open } of nodeSdks) {
  const client = (more?: Parameters<typeof open>[1]): ReturnType<typeof open> => open(openai, more);
  const other = (): ReturnType<typeof open> => open({ ...openai, baseURL: second });
  const asked = (input: string) => ({ model: 'scripted', input });

  test(`${name}: a stream shows what is recorded, and whoever reads it later reads the same`, async () => {
    const events = await streamed(client(), asked(`stream ${name} [[tokens=30]]`));
    assertWhole(events, 'response.completed');
    const response = responseIn(events.at(-1));
    assert.deepEqual(
      [response.status, response.model, response.usage?.output_tokens],
      ['completed', 'scripted', 30],
    );
    const end = await openai.endOf(inferenceOfResponse(response.id));
    assert.ok(end?.type === 'InferenceCompleted');
    assert.equal(textOfEvents(events), end.data.content.text);
    for (const reader of [client(), other()]) {
      assert.deepEqual(await resumed(reader, response.id), events);
      for (const cut of [0, 3, 4, 20, events.length - 2, events.length - 1]) {
        assert.deepEqual(await resumed(reader, response.id, cut), events.slice(cut + 1));
      }
      const { output_text: text, ...whole } = await reader.responses.retrieve(response.id);
      assert.deepEqual([text, whole], [end.data.content.text, response]);
    }
  });

  test(`${name}: a stream that was left goes on at another gateway after the last number, while it runs`, async () => {
    const seen: ResponseEvent[] = [];
    const endless = { ...asked('endless [[tokens=900 pace=20]]'), stream: true as const };
    const stream = await client().responses.create(endless);
    for await (const event of stream) {
      seen.push(event);
      if (seen.length === 12) break;
    }
    const { id } = responseIn(seen[0]);
    const rest: ResponseEvent[] = [];
    const further = { stream: true as const, starting_after: seen.at(-1)?.sequence_number ?? -1 };
    for await (const event of await other().responses.retrieve(id, further)) {
      rest.push(event);
      // It goes on until somebody stops it.
      if (rest.length === 10) await client().responses.cancel(id);
    }
    assertWhole([...seen, ...rest], 'response.incomplete');
    assert.deepEqual([...seen, ...rest], await resumed(client(), id));
  });

  test(`${name}: the SDK's own helper reads and resumes a response`, async () => {
    const made = client().responses.stream(asked('helper [[tokens=9]]'));
    const response = await made.finalResponse();
    const again = other().responses.stream({ response_id: response.id, starting_after: 6 });
    const numbers: number[] = [];
    again.on('event', (event) => void numbers.push(event.sequence_number));
    assert.equal((await again.finalResponse()).output_text, response.output_text);
    assert.ok(response.output_text !== '' && numbers.every((number) => number > 6));
  });

  test(`${name}: in one piece, with what was asked told again`, async () => {
    const limits = { max_output_tokens: 5, temperature: 0.5, top_p: 0.9 };
    const more = { ...limits, instructions: 'be brief', metadata: { team: 'red' }, user: 'eve' };
    const made = await client().responses.create({ ...asked('short [[tokens=30]]'), ...more });
    assert.deepEqual([made.status, made.incomplete_details], ['incomplete', { reason: 'max_output_tokens' }]);
    assert.equal(made.usage?.output_tokens, 5);
    assert.equal(made.usage.total_tokens, made.usage.input_tokens + 5);
    assert.deepEqual(
      [made.max_output_tokens, made.temperature, made.top_p, made.instructions, made.metadata],
      [5, 0.5, 0.9, 'be brief', { team: 'red' }],
    );
    assert.deepEqual(await other().responses.retrieve(made.id), made);
    assertWhole(await resumed(other(), made.id), 'response.incomplete');
    assert.deepEqual(await promptOf(made.id), [
      ['system', 'be brief'],
      ['user', 'short [[tokens=30]]'],
    ]);
    const submitted = (await openai.conversations()).find(
      (event) => event.type === 'MessageSubmitted' && event.data.inferenceId === inferenceOfResponse(made.id),
    );
    assert.ok(submitted?.type === 'MessageSubmitted');
    assert.deepEqual([submitted.data.subjectId, submitted.data.transport], ['eve', 'responses']);
  });

  test(`${name}: previous_response_id continues at that very turn, without its instructions`, async () => {
    const { responses } = client();
    const input = [
      { role: 'developer' as const, content: 'be kind' },
      { role: 'user' as const, content: [{ type: 'input_text' as const, text: 'first' }] },
    ];
    const first = await responses.create({ model: 'scripted', input, instructions: 'in French' });
    const next = { ...asked('second'), previous_response_id: first.id };
    const one = await other().responses.create({ ...next, instructions: 'in German' });
    const two = await responses.create({ ...next, input: 'second, again' });
    const before = [
      ['user', 'first'],
      ['assistant', first.output_text],
    ];
    const kind = ['system', 'be kind'];
    assert.deepEqual(await promptOf(first.id), [kind, ['system', 'in French'], ['user', 'first']]);
    assert.deepEqual(await promptOf(one.id), [kind, ['system', 'in German'], ...before, ['user', 'second']]);
    assert.deepEqual(await promptOf(two.id), [kind, ...before, ['user', 'second, again']]);
    assert.deepEqual([one.previous_response_id, one.conversation], [first.id, first.conversation]);
    const conversation = first.conversation?.id ?? '';
    const three = await responses.create({ ...asked('third'), conversation });
    assert.deepEqual(await promptOf(three.id), [
      kind,
      ...before,
      ['user', 'second, again'],
      ['assistant', two.output_text],
      ['user', 'third'],
    ]);
  });

  test(`${name}: cancel stops a response at any gateway and says the same again; what was said is kept`, async () => {
    const stream = await client().responses.create({
      ...asked('endless [[tokens=900 pace=20]]'),
      stream: true,
    });
    const events: ResponseEvent[] = [];
    let stopped: Awaited<ReturnType<ReturnType<typeof open>['responses']['cancel']>> | null = null;
    for await (const event of stream) {
      events.push(event);
      if (events.length === 8) stopped = await other().responses.cancel(responseIn(events[0]).id);
    }
    assertWhole(events, 'response.incomplete');
    const last = responseIn(events.at(-1));
    assert.deepEqual([last.status, stopped], ['cancelled', last]);
    assert.deepEqual(await client().responses.cancel(last.id), last);
    assert.equal((await client().responses.retrieve(last.id)).output_text, textOfEvents(events));
    assert.deepEqual(await resumed(other(), last.id), events);
  });

  test(`${name}: one in the background is answered before its end and read until then`, async () => {
    const made = await client().responses.create({ ...asked('later [[tokens=20]]'), background: true });
    assert.deepEqual([made.status, made.output], ['in_progress', []]);
    const events = await resumed(other(), made.id);
    assertWhole(events, 'response.completed');
    const { output_text: text, status } = await client().responses.retrieve(made.id);
    assert.deepEqual([status, text], ['completed', textOfEvents(events)]);
  });

  test(`${name}: a client that goes away stops nothing`, async () => {
    const stream = await client().responses.create({ ...asked('left [[tokens=40 pace=10]]'), stream: true });
    let id = '';
    for await (const event of stream) {
      ({ id } = responseIn(event));
      break;
    }
    await until('the response ends', async () => (await openai.endOf(inferenceOfResponse(id))) !== undefined);
    assert.equal((await openai.endOf(inferenceOfResponse(id)))?.type, 'InferenceCompleted');
    assert.equal((await other().responses.retrieve(id)).usage?.output_tokens, 40);
  });

  test(`${name}: a key makes one response at any gateway, streamed or not; another body under it is refused`, async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const once = asked('only once [[tokens=12]]');
    const first = await client().responses.create(once, { headers });
    assert.deepEqual(await other().responses.create(once, { headers }), first);
    assert.deepEqual(await streamed(other(), once, headers), await resumed(client(), first.id));
    for (const more of [{}, { background: true }]) {
      const another = { ...asked('something else'), ...more };
      const changed = await thrownBy(() => client().responses.create(another, { headers }));
      assert.deepEqual([changed.status, changed.code], [422, 'idempotency_mismatch']);
    }
  });
}
