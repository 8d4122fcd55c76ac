import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { textOf } from '../../streams/parts.ts';
import { datasets, requestTopic, topicName } from '../../streams/topics.ts';
import { parseConfig } from '../../runtime/config.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import type { EventMap } from '../../schemas/generated/types.ts';
import { apiOf, type Api } from '../support/api.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { readTopic } from '../support/read-topic.ts';
import { until } from '../support/until.ts';

/** What is changed of a conversation is an event, decides later prompts, and is seen in the history at every gateway. */

let platform: Platform;
let api: Api;
let other: Api;

before(async () => {
  platform = await startPlatform();
  const second = await platform.start('gateway', { STENO_REPLY_PARTITION: '5' });
  api = apiOf(platform.url(), null);
  other = apiOf(second.address ?? '', null);
});
after(() => platform.stop());

async function say(message: string, conversation?: string): Promise<string> {
  const answer = await api.send('POST', '/conversation', {
    message: `${message} [[tokens=2]]`,
    model_type: 'scripted',
    ...(conversation === undefined ? {} : { conversation_id: conversation }),
  });
  assert.equal(answer.status, 200, answer.text);
  return String(answer.field('conversation_id'));
}

async function change(id: string, body: object, headers = {}): Promise<string> {
  const answer = await other.send('PATCH', `/v1/conversations/${id}`, body, headers);
  assert.equal(answer.status, 202, answer.text);
  return String(answer.field('change_id'));
}

async function read<Type extends 'InferenceRequested' | 'ConversationChanged'>(
  topic: string,
  type: Type,
  conversation: string,
): Promise<readonly EventMap[Type][]> {
  const events = await connectEvents(parseConfig(platform.env), 'reader', []);
  const found = await readTopic(events, topic);
  await events.log.close();
  return found.flatMap((event) => {
    // The type decides the data.
    const data = event.data as EventMap[Type];
    return event.type === type && data.conversationId === conversation ? [data] : [];
  });
}

/** The newest prompt, a line for each message. */
async function promptOf(conversation: string): Promise<readonly string[]> {
  const topic = requestTopic(platform.cluster.prefix, 'scripted', 'interactive');
  const found = await read(topic, 'InferenceRequested', conversation);
  return (found.at(-1)?.messages ?? []).map(
    ({ role, parts }) => `${role}: ${textOf(parts).replace(/ \[\[.*/, '')}`,
  );
}

test('instructions stand first in every later prompt until they are taken away', async () => {
  const id = await say('one');
  await change(id, { system_prompt: 'be brief' });
  await say('two', id);
  const [first, second] = await promptOf(id);
  assert.deepEqual([first, second], ['system: be brief', 'user: one']);
  await change(id, { system_prompt: '' });
  await say('three', id);
  assert.equal((await promptOf(id))[0], 'user: one');
  const answer = await api.get(`/v1/conversations/${id}`);
  assert.equal((answer.field('conversation') as { system_prompt: unknown }).system_prompt, null);
});

test('a cleared context begins anew, and stays in the history', async () => {
  const id = await say('one');
  await change(id, { clear_context: true });
  await say('two', id);
  assert.deepEqual(await promptOf(id), ['user: two']);
  const { items } = (await api.get(`/v1/conversations/${id}`)).field('turns') as { items: unknown[] };
  assert.equal(items.length, 2);
});

test('names, archive and pins are seen at every gateway; a repeat under its key is one event', async () => {
  const id = await say('one');
  const { items } = (await api.get(`/v1/conversations/${id}`)).field('turns') as {
    items: readonly { message_id: string }[];
  };
  const body = {
    ...{ title: ' A name ', archived: true },
    pins: [{ message_id: items[0]?.message_id, pinned: true }],
  };
  const key = { 'idempotency-key': 'once' };
  const made = await change(id, body, key);
  assert.equal(await change(id, body, key), made);
  const seen = async (): Promise<unknown> => {
    const answer = await api.get(`/v1/conversations/${id}`);
    const { title, archived } = answer.field('conversation') as { title: string; archived: boolean };
    const turns = answer.field('turns') as { items: readonly { pinned: boolean }[] };
    return [title, archived, turns.items[0]?.pinned];
  };
  await until('it is seen', async () => JSON.stringify(await seen()) === '["A name",true,true]');
  const topic = topicName(platform.cluster.prefix, datasets.conversations);
  const changes = await read(topic, 'ConversationChanged', id);
  assert.deepEqual(new Set(changes.map(({ eventId }) => eventId)), new Set([made]));
  const listed = await api.get('/v1/conversations?q=a%20name');
  assert.deepEqual(listed.field('items'), []);
  const archived = await api.get('/v1/conversations?q=a%20name&archived=true');
  assert.equal((archived.field('items') as unknown[]).length, 1);
});

test('what says nothing, too much, or is about nothing is refused by name', async () => {
  const id = await say('one');
  for (const [body, param] of [
    [{}, null],
    [{ title: ' ' }, 'title'],
    [{ titel: 'x' }, 'titel'],
    [{ clear_context: false }, 'clear_context'],
    [{ pins: [] }, 'pins'],
    [{ pins: [{ message_id: 'm' }] }, 'pins.0.pinned'],
  ] as const) {
    const answer = await api.send('PATCH', `/v1/conversations/${id}`, body);
    assert.equal(answer.status, 400, answer.text);
    if (param !== null) assert.match(answer.text, new RegExp(param.split('.')[0] ?? ''));
  }
  const nowhere = await api.send('PATCH', '/v1/conversations/conv_nowhere', { title: 'x' });
  assert.equal(nowhere.status, 404);
  const strange = { pins: [{ message_id: 'msg_nowhere', pinned: true }] };
  const unknown = await api.send('PATCH', `/v1/conversations/${id}`, strange);
  assert.equal(unknown.status, 404);
  assert.match(unknown.text, /msg_nowhere/);
});
