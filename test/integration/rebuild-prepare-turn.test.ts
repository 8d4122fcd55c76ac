import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseConfig } from '../../runtime/config.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { requestTopic } from '../../streams/topics.ts';
import { ChatClient } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { readTopic } from '../support/read-topic.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { kill9, stopRole } from '../support/role-process.ts';
import { until } from '../support/until.ts';

/** The log is the record: whatever prepare-turn keeps can be thrown away and is rebuilt, silently. */

let platform: Platform;

before(async () => {
  platform = await startPlatform();
});
after(async () => {
  await platform.stop();
});

test('without its database prepare-turn knows every conversation again, and asks no model twice', async () => {
  const client = new ChatClient(() => platform.url());
  const model = 'scripted';
  const first = await client.ask({ text: 'the first question', model });
  await client.ask({ text: 'the second question', conversation_id: first.conversationId, model });
  const before = await readRequests();
  assert.equal(before.length, 2);

  await stopRole(platform.find('processors'));
  await rm(join(platform.dataDir, 'processors'), { recursive: true });
  await platform.start('processors');

  const third = await client.ask({
    text: 'the third question',
    conversation_id: first.conversationId,
    model,
  });
  assert.equal(third.outcome, 'completed');
  const requests = await readRequests();
  assert.equal(requests.length, 3, 'the rebuild repeated a request');
  const said = requests.at(-1)?.data.messages.map(({ parts }) => parts[0]?.text?.text);
  assert.deepEqual(
    said?.filter((_text, index) => index % 2 === 0),
    ['the first question', 'the second question', 'the third question'],
  );
  assert.deepEqual(problemsOf([client], await readRecorded(platform)), []);
  client.close();
});

test('a message accepted while prepare-turn was down, and its database lost, is answered', async () => {
  await stopRole(platform.find('processors'));
  await rm(join(platform.dataDir, 'processors'), { recursive: true });
  const client = new ChatClient(() => platform.url());
  const asked = client.ask({ text: 'is anybody there', model: 'scripted' });
  await platform.start('processors');
  assert.equal((await asked).outcome, 'completed');
  assert.deepEqual(problemsOf([client], await readRecorded(platform)), []);
  client.close();
});

test('a crash before the first commit makes nothing silent: what was folded is measured after all', async () => {
  for (let round = 0; round < 3; round += 1) {
    const client = new ChatClient(() => platform.url());
    // New conversations fall on partitions that may have had no event yet.
    const asked = Promise.all(
      Array.from({ length: 8 }, (_unused, index) =>
        client.ask({ text: `round ${round} ${index}`, model: 'scripted' }),
      ),
    );
    await asked;
    await kill9(platform.find('processors'));
    await platform.start('processors');
    await until(
      'every turn is measured',
      async () => problemsOf([client], await readRecorded(platform)).length === 0,
    );
    client.close();
  }
});

async function readRequests(): Promise<
  readonly {
    readonly data: {
      readonly messages: readonly {
        readonly parts: readonly { readonly text: { readonly text: string | null } | null }[];
      }[];
    };
  }[]
> {
  const events = await connectEvents(parseConfig(platform.env), 'test', ['scripted', 'small']);
  const topic = requestTopic(platform.cluster.prefix, 'scripted', 'interactive');
  const found = (await readTopic(events, topic)).filter((event) => event.type === 'InferenceRequested');
  await events.log.close();
  return [...found].sort((a, b) => a.time - b.time);
}
