import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAnswer } from '../../../client/answer.js';
import type { Part } from '../../../client/steno-client.js';
import { StenoError } from '../../../client/steno-error.js';

const place = { token: 't', inferenceId: 'inf' };
const text = (seq: number, piece: string): Part => ({ type: 'text', seq, text: piece });
const accepted: Part = { type: 'accepted', inferenceId: 'inf', messageId: 'msg', conversationId: 'conv' };
const done: Part = {
  ...{ type: 'done', seq: 4, outcome: 'completed', finishReason: 'stop', model: 'm', usage: null },
};

function open(): ReturnType<typeof openAnswer> & { readonly feed: (...parts: readonly Part[]) => void } {
  const opened = openAnswer({ id: 'a', position: null, stop: () => undefined });
  return { ...opened, feed: (...parts) => parts.forEach((part) => opened.reader.push(part, place)) };
}

async function read(answer: AsyncIterable<Part>): Promise<readonly Part[]> {
  const parts: Part[] = [];
  for await (const part of answer) parts.push(part);
  return parts;
}

test('each loop reads the answer from its beginning, while it comes and after it ended', async () => {
  const { answer, reader, feed } = open();
  feed(accepted, text(0, 'a'));
  const early = read(answer);
  feed(text(1, 'b'), done);
  reader.end(null);
  assert.deepEqual(await early, [accepted, text(0, 'a'), text(1, 'b'), done]);
  assert.deepEqual(await read(answer), await early);
});

test('text takes back what a reset takes back, and tells the text so far after every change', async () => {
  const { answer, reader, feed } = open();
  const told: string[] = [];
  const whole = answer.text((soFar) => told.push(soFar));
  feed(accepted, text(0, 'no'), { type: 'reset', seq: 1 }, text(2, 'y'), text(3, 'es'), done);
  reader.end(null);
  assert.equal(await whole, 'yes');
  assert.deepEqual(told, ['no', '', 'y', 'yes']);
  assert.deepEqual(await answer.done(), done);
});

test('a failure comes after what was read before it, to every reader, and nothing comes after it', async () => {
  const { answer, reader, feed } = open();
  feed(accepted, text(0, 'a'));
  const failure = new StenoError('connection_lost', 'gone', { retryable: true });
  reader.end(failure);
  reader.end(null);
  feed(text(1, 'late'));
  const seen: Part[] = [];
  await assert.rejects(async () => {
    for await (const part of answer) seen.push(part);
  }, failure);
  assert.deepEqual(seen, [accepted, text(0, 'a')]);
  await assert.rejects(answer.text(), failure);
  await assert.rejects(answer.done(), failure);
});

test('the position is where the reader is, not where the connection is', async () => {
  const { answer, reader, feed } = open();
  assert.equal(answer.position, null);
  feed(accepted, text(0, 'a'), text(1, 'b'), done);
  reader.end(null);
  assert.deepEqual(answer.position, { ...place, after: -1 });
  for await (const part of answer) if (part.type === 'text') break;
  assert.deepEqual(JSON.parse(JSON.stringify(answer.position)), { ...place, after: 0 });
  await answer.done();
  assert.deepEqual(answer.position, { ...place, after: 4 });
});

test('an error says what it is and what to do', () => {
  const error = new StenoError('too_large', 'it is too large', { fix: 'shorten it', param: 'text' });
  assert.ok(error instanceof Error);
  assert.deepEqual(
    [error.name, error.code, error.retryable, error.fix, error.param],
    ['StenoError', 'too_large', false, 'shorten it', 'text'],
  );
});
