import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { UsageRecorded } from '../../schemas/generated/types.ts';
import { textOf } from '../../streams/parts.ts';
import { collect } from '../support/collect.ts';
import { startOpenAiPlatform, type OpenAiPlatform } from '../support/openai-platform.ts';
import { inferenceOf, nodeSdks, scripted, thrownBy, type Thrown } from '../support/openai-sdks.ts';
import { readRecorded } from '../support/recorded.ts';
import { startSteno } from '../support/steno-command.ts';
import { until } from '../support/until.ts';

/** `n`: the answers of one call are inferences of one turn. */

let openai: OpenAiPlatform;
before(async () => {
  openai = await startOpenAiPlatform();
});
after(async () => {
  await openai.stop();
});

type Sibling = { readonly id: string; readonly kind: string; readonly seed: number | null };

/** The messages of the conversation that an inference belongs to, in log order; the others stand beside the first. */
async function siblingsOf(inferenceId: string): Promise<readonly Sibling[]> {
  const submitted = (await openai.conversations()).flatMap((event) =>
    event.type === 'MessageSubmitted' ? [event.data] : [],
  );
  const first = submitted.find((message) => message.inferenceId === inferenceId) ?? assert.fail();
  return submitted
    .filter(({ conversationId }) => conversationId === first.conversationId)
    .map(({ inferenceId: id, kind, targetId, parameters: { seed } }) => {
      assert.equal(targetId, id === inferenceId ? null : first.eventId);
      return { id, kind, seed };
    });
}

async function recordedText(inferenceId: string): Promise<string | null> {
  const end = await openai.endOf(inferenceId);
  assert.ok(end?.type === 'InferenceCompleted');
  return end.data.content.text;
}

for (const { name, open } of nodeSdks) {
  const client = (): ReturnType<typeof open> => open(openai);

  test(`${name}: three answers in one stream, each whole, of one turn`, async () => {
    const chunks = await collect(
      await client().chat.completions.create({
        ...scripted(`three of ${name} [[tokens=25]]`),
        ...{ n: 3, stream: true, stream_options: { include_usage: true } },
      }),
    );
    assert.equal(new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`)).size, 1);
    const siblings = await siblingsOf(inferenceOf(chunks[0]?.id));
    assert.deepEqual(
      siblings.map(({ kind }) => kind),
      ['message', 'regenerate', 'regenerate'],
    );
    const usage = chunks.at(-1)?.usage;
    assert.equal(usage?.completion_tokens, 75);
    for (const index of [0, 1, 2]) {
      const own = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
      assert.deepEqual(own[0]?.delta, { role: 'assistant', content: '' });
      assert.deepEqual(
        own.map(({ finish_reason }) => finish_reason).filter((reason) => reason !== null),
        ['stop'],
      );
      assert.equal(own.at(-1)?.finish_reason, 'stop');
      const text = own.map(({ delta }) => delta.content ?? '').join('');
      const texts = await Promise.all(siblings.map(({ id }) => recordedText(id)));
      assert.ok(texts.includes(text) && text !== '');
    }
  });

  test(`${name}: four in one piece; what is told as used is what is recorded`, async () => {
    const asked = { ...scripted(`four of ${name} [[tokens=8]]`), n: 4, seed: 7 };
    const { id, choices, usage } = await client().chat.completions.create(asked);
    assert.deepEqual(
      choices.map(({ index, finish_reason }) => [index, finish_reason]),
      [0, 1, 2, 3].map((index) => [index, 'stop']),
    );
    const siblings = await siblingsOf(inferenceOf(id));
    assert.deepEqual(new Set(siblings.map(({ seed }) => seed)), new Set([7, 8, 9, 10]));
    const texts = await Promise.all(siblings.map((sibling) => recordedText(sibling.id)));
    assert.deepEqual(choices.map(({ message }) => message.content).sort(), texts.sort());
    const ids = new Set(siblings.map((sibling) => sibling.id));
    const used = async (): Promise<readonly UsageRecorded[]> =>
      (await readRecorded(openai.platform)).turns.flatMap((event) =>
        event.type === 'UsageRecorded' && ids.has(event.data.inferenceId) ? [event.data] : [],
      );
    await until('all four are counted', async () => (await used()).length === 4);
    const counted = await used();
    assert.deepEqual(
      [sum(counted, 'promptTokens'), sum(counted, 'completionTokens')],
      [usage?.prompt_tokens, usage?.completion_tokens],
    );
  });
}

function sum(items: readonly UsageRecorded[], field: 'promptTokens' | 'completionTokens'): number {
  return items.reduce((total, item) => total + item[field], 0);
}

const [{ open } = assert.fail()] = nodeSdks;

test('a repeat under the same key attaches to all of them; another number of answers is another request', async () => {
  const { completions } = open(openai).chat;
  const headers = { 'idempotency-key': 'three-at-once' };
  const asked = { ...scripted('repeated [[tokens=9]]'), n: 3 };
  const [one, two] = await Promise.all([
    completions.create(asked, { headers }),
    completions.create(asked, { headers }),
  ]);
  assert.deepEqual(one.choices, two.choices);
  const ends = (await openai.conversations()).filter(
    (event) =>
      event.type === 'InferenceCompleted' && event.data.content.text === one.choices[0]?.message.content,
  );
  assert.equal(ends.length, 3);
  const other = await thrownBy(() => completions.create({ ...asked, n: 2 }, { headers }));
  assert.equal(other.status, 422);
});

test('a client that leaves stops all of them', async () => {
  const leaving = new AbortController();
  const stream = await open(openai).chat.completions.create(
    { ...scripted('left alone [[tokens=4000 pace=20]]'), n: 2, stream: true },
    { signal: leaving.signal },
  );
  const seen = new Set<number>();
  let id = '';
  for await (const chunk of stream) {
    ({ id } = chunk);
    for (const { index, delta } of chunk.choices) if ((delta.content ?? '') !== '') seen.add(index);
    if (seen.size === 2) break;
  }
  leaving.abort();
  const siblings = await siblingsOf(inferenceOf(id));
  assert.equal(siblings.length, 2);
  await until('both are cancelled', async () => {
    const ends = await Promise.all(siblings.map((sibling) => openai.endOf(sibling.id)));
    return ends.every((end) => end?.type === 'InferenceCancelled');
  });
});

test('one that fails ends the call as an error, however many were asked for', async () => {
  const { completions } = open(openai).chat;
  const failing = { ...scripted('two that fail [[fail=always:3]]'), n: 2 };
  const failed = await thrownBy(() => completions.create(failing));
  assert.deepEqual([failed.status, failed.code], [500, 'engine_failed']);
  const streamed = await thrownBy(async () =>
    collect(await completions.create({ ...failing, stream: true })),
  );
  assert.equal(streamed.code, 'engine_failed');
});

test('where a limit keeps one out the call is refused, and those that were taken in are stopped', async () => {
  const env = { ...process.env, ...openai.platform.env };
  const set = await startSteno(['tenants', 'set', 'acme', '--concurrent-streams', '1'], env).ended;
  assert.equal(set.code, 0, set.stderr);
  const { completions } = open(openai).chat;
  const short = { ...scripted('short [[tokens=1]]'), n: 3 };
  await until('the limit is known', async () => {
    return (await thrownBy(() => completions.create(short))).code === 'rate_limit_exceeded';
  });
  for (const stream of [false, true]) {
    const text = `too many at once, ${stream ? 'streamed' : 'in one piece'} [[tokens=4000 pace=20]]`;
    let refused: Thrown = {};
    await until('one is taken in and another one refused', async () => {
      const asked = { ...scripted(text), n: 3, max_tokens: 1_000 };
      refused = await thrownBy(async () =>
        stream ? collect(await completions.create({ ...asked, stream: true })) : completions.create(asked),
      );
      const messages = await openai.conversations();
      const isTaken = messages.some(
        (event) => event.type === 'MessageSubmitted' && textOf(event.data.parts) === text,
      );
      return isTaken && refused.code === 'rate_limit_exceeded';
    });
    await until('what was taken in is stopped', async () => {
      const messages = (await openai.conversations()).flatMap((event) =>
        event.type === 'MessageSubmitted' ? [event.data] : [],
      );
      const asked = messages.filter(({ parts }) => textOf(parts) === text);
      const begun = messages.filter(({ conversationId }) =>
        asked.some((message) => message.conversationId === conversationId),
      );
      const ends = await Promise.all(begun.map(({ inferenceId }) => openai.endOf(inferenceId)));
      return begun.length > 0 && ends.every((end) => end?.type === 'InferenceCancelled');
    });
  }
  assert.equal((await startSteno(['tenants', 'set', 'acme'], env).ended).code, 0);
});

test('more than four are refused by name', async () => {
  const five = await thrownBy(() => open(openai).chat.completions.create({ ...scripted('x'), n: 5 }));
  assert.deepEqual([five.status, five.param], [400, 'n']);
});
