import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseConfig } from '../../runtime/config.ts';
import type { EventOf, PromptMessage } from '../../schemas/generated/types.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { deriveId, inferenceIdOf } from '../../streams/ids.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { datasets, requestTopic, topicName } from '../../streams/topics.ts';
import { aText, theMessage } from '../support/builders.ts';
import { ChatClient } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { readTopic } from '../support/read-topic.ts';
import { stopRole } from '../support/role-process.ts';
import { until } from '../support/until.ts';

/** A caller may bring the whole history with every message: what the conversation holds already is not kept twice. */

let platform: Platform;
let events: EventLog;

before(async () => {
  platform = await startPlatform();
  events = await connectEvents(parseConfig(platform.env), 'test', ['scripted', 'small']);
});
after(async () => {
  await events.log.close();
  await platform.stop();
});

test('the prompt of a message with its history is that history, whoever holds how much of it', async () => {
  const client = new ChatClient(platform.url);
  const first = await client.ask({ text: 'the first question', model: 'scripted' });
  client.close();
  const held = [theMessage('user', 'the first question'), theMessage('assistant', first.text)];
  const aside = [theMessage('user', 'an aside'), theMessage('assistant', 'noted')];
  const { conversationId } = first;

  const second = await submit(conversationId, 'the second question', [...held, ...aside]);
  assert.deepEqual(second.lines, linesOf([...held, ...aside, theMessage('user', 'the second question')]));
  assert.deepEqual([second.context.parentId, second.context.precedingHeld], [first.messageId, 2]);
  const shown = await turnOf(conversationId, second.messageId);
  assert.equal(shown.parent_id, first.messageId);
  assert.deepEqual(shown.metadata, { asked: 'the second question' });
  assert.deepEqual(shown.preceding, [
    { role: 'user', content: 'an aside' },
    { role: 'assistant', content: 'noted' },
  ]);

  // What is known of the conversation comes from the rows now.
  await stopRole(platform.find('processors'));
  await platform.start('processors');
  const all = [
    ...held,
    ...aside,
    theMessage('user', 'the second question'),
    theMessage('assistant', shown.response),
  ];
  const third = await submit(conversationId, 'the third question', all);
  assert.deepEqual(third.lines, linesOf([...all, theMessage('user', 'the third question')]));
  assert.deepEqual([third.context.parentId, third.context.precedingHeld], [second.messageId, 6]);
  assert.deepEqual((await turnOf(conversationId, third.messageId)).preceding, []);

  const edited = [theMessage('user', 'another question'), theMessage('assistant', first.text)];
  const fourth = await submit(conversationId, 'the fourth question', edited);
  assert.deepEqual(fourth.lines, linesOf([...edited, theMessage('user', 'the fourth question')]));
  assert.equal((await turnOf(conversationId, fourth.messageId)).parent_id, null);
});

type Requested = {
  readonly messageId: string;
  readonly lines: readonly string[];
  readonly context: EventOf<'InferenceRequested'>['data']['context'];
};

/** Appends a message as the gateway did the conversation's first, and returns what was asked of the model. */
async function submit(
  conversationId: string,
  text: string,
  preceding: readonly PromptMessage[],
): Promise<Requested> {
  const topic = topicName(platform.cluster.prefix, datasets.conversations);
  const recorded = (await readTopic(events, topic)).find(
    (event): event is Extract<typeof event, { type: 'MessageSubmitted' }> =>
      event.type === 'MessageSubmitted' && event.data.conversationId === conversationId,
  );
  assert.ok(recorded !== undefined);
  const messageId = deriveId('msg', text);
  const appender = events.openAppender('test-submit');
  await appender.append([
    {
      type: 'MessageSubmitted',
      data: {
        ...recorded.data,
        eventId: messageId,
        correlationId: messageId,
        inferenceId: inferenceIdOf(messageId),
        isNew: false,
        parts: [aText(text)],
        preceding,
        metadata: { asked: text },
      },
      topic,
      key: conversationId,
      partition: null,
    },
  ]);
  await appender.close();
  let found: EventOf<'InferenceRequested'>['data'] | undefined;
  await until('the inference is requested', async () => {
    const requests = await readTopic(
      events,
      requestTopic(platform.cluster.prefix, 'scripted', 'interactive'),
    );
    for (const { type, data } of requests)
      if (type === 'InferenceRequested' && data.messageId === messageId) found = data;
    return found !== undefined;
  });
  assert.ok(found !== undefined);
  return { messageId, lines: linesOf(found.messages), context: found.context };
}

type TurnJson = {
  readonly message_id: string;
  readonly parent_id: string | null;
  readonly status: string;
  readonly response: string;
  readonly preceding: readonly { readonly role: string; readonly content: string }[];
  readonly metadata: Readonly<Record<string, string>>;
};

/** Returns a turn of the history once it has ended. */
async function turnOf(conversationId: string, messageId: string): Promise<TurnJson> {
  let turn: TurnJson | undefined;
  await until('the history shows the answer', async () => {
    const response = await fetch(`${platform.url()}/v1/conversations/${conversationId}`);
    assert.equal(response.status, 200);
    // The shape is what this test is about: a field that is missing fails it.
    const { turns } = (await response.json()) as { turns: { items: readonly TurnJson[] } };
    turn = turns.items.find((item) => item.message_id === messageId && item.status === 'completed');
    return turn !== undefined;
  });
  assert.ok(turn !== undefined);
  return turn;
}

function linesOf(messages: readonly PromptMessage[]): readonly string[] {
  return messages.map(({ role, parts }) => `${role}: ${parts.map((part) => part.text?.text ?? '').join('')}`);
}
