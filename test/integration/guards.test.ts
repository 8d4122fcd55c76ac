import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import type { GuardApplied } from '../../schemas/generated/types.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { startOpenAiPlatform, type OpenAiPlatform } from '../support/openai-platform.ts';
import { until } from '../support/until.ts';

/** What a tenant wants kept out of the log, or of prompts, is not there, and that it was taken out is an event. */

const MAIL = 'ann.lee@example.org';
const CARD = '4111 1111 1111 1111';
const asked = (text: string, more: object = {}) => ({
  model: 'scripted',
  messages: [{ role: 'user' as const, content: `[[echo=1]]${text}` }],
  ...more,
});

let openai: OpenAiPlatform;
before(async () => {
  openai = await startOpenAiPlatform(
    {},
    {
      acme: { guards: { redact_before_record: ['email', 'card'] } },
      other: { guards: { redact_before_model: ['email'] } },
    },
  );
});
after(() => openai.stop());

const sdk = (apiKey: string): OpenAI => new OpenAI({ apiKey, baseURL: openai.baseURL, maxRetries: 0 });

/** Nobody waits for what is told of a turn: it may come after the answer. */
async function guardsOf(inferenceId: string): Promise<readonly GuardApplied[]> {
  let found: readonly GuardApplied[] = [];
  await until('what the guard did is on the log', async () => {
    const applied = (await openai.turns()).flatMap((event) =>
      event.type === 'GuardApplied' ? [event.data] : [],
    );
    found = applied.filter((event) => event.inferenceId === inferenceId);
    return found.length > 0;
  });
  return found;
}

const has = (events: readonly LoggedEvent[], words: string): boolean =>
  JSON.stringify(events).includes(words);
const inferenceOf = (id: string): string => id.replace(/^(chatcmpl-|resp_)/, 'inf_');

test('what is not to be recorded is nowhere on the log, in whatever words it came', async () => {
  const client = sdk(openai.apiKey);
  const first = await client.chat.completions.create(asked(`write to ${MAIL}, card ${CARD}`));
  assert.equal(first.choices[0]?.message.content, 'write to [email], card [card]');
  const call = {
    id: 'call_1',
    type: 'function' as const,
    function: { name: 'f', arguments: `{"to":"${MAIL}"}` },
  };
  await client.chat.completions.create(
    asked('', {
      messages: [
        { role: 'system', content: `You work for ${MAIL}.` },
        { role: 'user', content: `I am ${MAIL}` },
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: call.id, content: `sent to ${MAIL} with ${CARD}` },
      ],
    }),
  );
  await client.responses.create({ model: 'scripted', input: MAIL, instructions: `Copy ${MAIL}.` });
  const log = [...(await openai.conversations()), ...(await openai.requests('scripted'))];
  assert.ok(has(log, '[email]') && has(log, '[card]'));
  assert.ok(!has(log, MAIL) && !has(log, CARD));

  const [applied, ...more] = await guardsOf(inferenceOf(first.id));
  assert.ok(applied !== undefined);
  assert.equal(more.length, 0);
  assert.deepEqual(
    [applied.guard, applied.action, applied.tenantId, applied.findings.map((found) => ({ ...found }))],
    [
      'personal_data',
      'redacted_before_record',
      'acme',
      [
        { label: 'email', count: 1 },
        { label: 'card', count: 1 },
      ],
    ],
  );
});

test('a repeat is the same request, by every route, though what is recorded of it is less', async () => {
  const client = sdk(openai.apiKey);
  const headers = { 'idempotency-key': randomUUID() };
  const [one, again] = [
    await client.chat.completions.create(asked(`to ${MAIL}`), { headers }),
    await client.chat.completions.create(asked(`to ${MAIL}`), { headers }),
  ];
  assert.equal(one.id, again.id);
  const call = { model: 'scripted', input: `[[echo=1]]to ${MAIL}` };
  const [made, repeated] = [
    await client.responses.create(call, { headers }),
    await client.responses.create(call, { headers }),
  ];
  assert.deepEqual([repeated.id, repeated.output_text], [made.id, 'to [email]']);
});

test('what no model is to see is on the log and in no prompt, also where it was said before', async () => {
  const client = sdk(openai.otherKey);
  const { data: first, response } = await client.chat.completions
    .create(asked(`mail ${MAIL}, card ${CARD}`))
    .withResponse();
  assert.equal(first.choices[0]?.message.content, `mail [email], card ${CARD}`);
  const headers = { 'x-steno-conversation': response.headers.get('x-steno-conversation') ?? '' };
  const second = await client.chat.completions.create(asked('and then?'), { headers });
  const own = (events: readonly LoggedEvent[]): readonly LoggedEvent[] =>
    events.filter(({ data }) => 'tenantId' in data && data.tenantId === 'other');
  assert.ok(has(own(await openai.conversations()), MAIL));
  const requests = own(await openai.requests('scripted'));
  assert.equal(requests.length, 2);
  assert.ok(!has(requests, MAIL) && has(requests, '[email]'));
  const [applied] = await guardsOf(inferenceOf(second.id));
  assert.deepEqual(
    [applied?.action, applied?.findings.map((found) => ({ ...found }))],
    ['redacted_before_model', [{ label: 'email', count: 1 }]],
  );
});
