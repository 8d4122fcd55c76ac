import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseConfig } from '../../runtime/config.ts';
import type { EventLog } from '../../streams/event-log.ts';
import type { NewEvent } from '../../streams/event.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { openReadUntil, type ReadUntil } from '../../streams/read-until.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { startPlatform, type Platform } from '../support/platform.ts';

/** Reading up to a fact, for several who ask at once. */

const PARTITION = 5;
const never = new AbortController().signal;
let platform: Platform;
let events: EventLog;
let topic: string;
let opened = 0;
let reading: ReadUntil;

before(async () => {
  platform = await startPlatform({ roles: [] });
  events = await connectEvents(parseConfig(platform.env), 'test', ['scripted', 'small']);
  topic = topicName(platform.cluster.prefix, datasets.inferenceDeltas);
  const counting: EventLog = {
    ...events,
    log: {
      ...events.log,
      openFollower(options) {
        opened += 1;
        return events.log.openFollower(options);
      },
    },
  };
  reading = openReadUntil(counting, 'test');
});
after(async () => {
  await reading.stop();
  await events.log.close();
  await platform.stop();
});

/** Appends deltas; returns the offset of the first. */
async function append(...words: readonly (readonly [key: string, text: string])[]): Promise<number> {
  const from = (await events.log.offsets(topic, 'end'))[PARTITION] ?? 0;
  const appender = events.openAppender('test');
  const deltas = words.map(([key, text], seq): NewEvent => {
    const content = { text, sealed: null, keyId: null };
    const data = { inferenceId: key, claim: 'a', seq, reset: false, text: content, tokens: 1, tokenIds: [] };
    return { type: 'InferenceDelta', data, topic, key, partition: PARTITION };
  });
  await appender.append(deltas);
  await appender.close();
  return from;
}

/** Reads a key until it says "end". */
function readToEnd(key: string, from: number, signal = never): Promise<string> {
  let text = '';
  return reading.ask({
    ...{ topic, partition: PARTITION, from, key, signal },
    onEvents(found) {
      for (const event of found) {
        if (event.type !== 'InferenceDelta') continue;
        if (event.data.text.text === 'end') return text;
        text += event.data.text.text ?? '';
      }
      return undefined;
    },
  });
}

test('who asks together reads together, each its own key from its own offset', async () => {
  const first = await append(
    ['a', '1'],
    ['b', 'x'],
    ['a', '2'],
    ['c', 'y'],
    ['b', 'z'],
    ['a', 'end'],
    ['b', 'end'],
  );
  const answers = Promise.all([
    readToEnd('a', first + 1),
    readToEnd('b', first),
    readToEnd('a', first),
    readToEnd('c', first),
  ]);
  await append(['c', 'later'], ['c', 'end']);
  assert.deepEqual(await answers, ['2', 'xz', '12', 'ylater']);
  assert.equal(opened, 1);
});

test('who asks for what lies further back while others read gets all of it, and they nothing twice', async () => {
  const first = await append(['d', '1'], ['e', 'x']);
  const waiting = readToEnd('e', first + 1);
  await append(['d', '2'], ['e', 'y']);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const late = readToEnd('d', first);
  await append(['e', 'end'], ['d', 'end']);
  assert.deepEqual(await Promise.all([waiting, late]), ['xy', '12']);
  assert.equal(opened, 1);
});

test('where nothing lies the asker is told how far it was read', async () => {
  const end = await append(['f', '1']);
  const upTo = await reading.ask({
    ...{ topic, partition: PARTITION, from: end, key: 'nobody', signal: never },
    onEvents: (found, nextOffset) => (found.length === 0 && nextOffset > end ? nextOffset : undefined),
  });
  assert.equal(upTo, end + 1);
});

test('a question that is given up ends with the reason, and what its asker throws ends it too', async () => {
  const end = (await events.log.offsets(topic, 'end'))[PARTITION] ?? 0;
  const giveUp = new AbortController();
  const given = readToEnd('g', end, giveUp.signal);
  giveUp.abort(new Error('not ours any more'));
  await assert.rejects(given, /not ours any more/);
  const from = await append(['g', '1']);
  const broken = reading.ask({
    ...{ topic, partition: PARTITION, from, key: 'g', signal: never },
    onEvents() {
      throw new Error('cannot be folded');
    },
  });
  await assert.rejects(broken, /cannot be folded/);
});
