import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attached, delta, ended, feed, open, recorded, settled, started } from './given-reader.ts';

test('an answer is shown as it comes, and done only at its end', () => {
  const { reader, log, closed } = open();
  reader.acknowledge();
  feed(reader, started(1, 'a'), delta('a', 0, 'Hel'), delta('a', 1, 'lo'), ended('Hello', 2));
  assert.deepEqual(log, ['accepted', '0:Hel', '1:lo', '2:completed']);
  assert.equal(closed(), 1);
});

test('what is read before the append was acknowledged proves that the message is on the log', () => {
  const { reader, log } = open();
  feed(reader, started(1, 'a'), delta('a', 0, 'x'));
  reader.acknowledge();
  assert.deepEqual(log, ['accepted', '0:x']);
  assert.equal(reader.isAcknowledged(), true);
});

test('deltas of a claim that lost, repeats and gaps are not shown', () => {
  const { reader, log } = open();
  feed(reader, started(1, 'a'), started(1, 'z'), delta('z', 0, 'no'), delta('a', 0, 'A'), delta('a', 0, 'A'));
  feed(
    reader,
    delta('a', 2, 'gap'),
    started(2, 'b'),
    delta('a', 1, 'late'),
    delta('b', 1, 'B'),
    ended('AB', 2),
  );
  assert.deepEqual(log, ['accepted', '0:A', '1:B', '2:completed']);
});

test('a reset takes text back and takes a seq', () => {
  const { reader, log } = open();
  feed(
    reader,
    started(1, 'a'),
    delta('a', 0, 'bad'),
    started(2, 'b'),
    delta('b', 1, '', true),
    delta('b', 2, 'good'),
  );
  feed(reader, ended('good', 3));
  assert.deepEqual(log, ['accepted', '0:bad', '1:reset', '2:good', '3:completed']);
});

test('at the end the rest that was not read comes from the record, in its original pieces', async () => {
  const { reader, log, followed } = open({ record: recorded('Hello you', [3, 2, 4]) });
  feed(reader, started(1, 'a'), delta('a', 0, 'Hel'), ended('Hello you', 3));
  await settled();
  assert.deepEqual(followed, ['record 3/7']);
  assert.deepEqual(log, ['accepted', '0:Hel', '1:lo', '2: you', '3:completed']);
});

test('at the end other text is taken back and the recorded text is shown', async () => {
  const { reader, log } = open({ record: recorded('Bye', [3]) });
  feed(reader, started(1, 'a'), delta('a', 0, 'Hello'), ended('Bye', 1));
  await settled();
  assert.deepEqual(log, ['accepted', '0:Hello', '1:reset', '2:Bye', '3:completed']);
});

test('an end before any delta shows the record once the message is known to be the first', async () => {
  const { reader, log } = open({ record: recorded('Hello', [3, 2]) });
  feed(reader, ended('Hello', 2), attached(true));
  await settled();
  assert.deepEqual(log, ['accepted', '0:Hel', '1:lo', '2:completed']);
});

test('a repeat follows the first message from its first record', () => {
  const { reader, log, followed } = open();
  feed(reader, delta('a', 4, 'middle'), attached(true), started(1, 'a'), delta('a', 0, 'x'), ended('x', 1));
  assert.deepEqual(followed, ['follow 5/40']);
  assert.deepEqual(log, ['accepted', '0:x', '1:completed']);
});

test('another message under the same key is refused with 422, and nothing of the first is shown', () => {
  const { reader, log, closed } = open();
  feed(reader, ended('secret', 2), attached(false));
  assert.deepEqual(log, ['-:error 422 idempotency_mismatch']);
  assert.equal(closed(), 1);
});

test('a resume drops what the client has and a finished one says that there is nothing more', () => {
  const { reader, log } = open({ submitted: false, cursor: 0 });
  feed(reader, started(1, 'a'), delta('a', 0, 'Hel'), delta('a', 1, 'lo'), ended('Hello', 2));
  assert.deepEqual(log, ['1:lo', '2:completed']);
  const again = open({ submitted: false, cursor: 2 });
  feed(again.reader, started(1, 'a'), delta('a', 0, 'Hel'), delta('a', 1, 'lo'), ended('Hello', 2));
  assert.deepEqual(again.log, ['2:completed again']);
});

test('after the deltas have expired the record answers with the same seqs', async () => {
  const { reader, log } = open({ submitted: false, cursor: 0 });
  reader.showRecord(recorded('Hello you', [3, 2, 4]));
  await settled();
  assert.deepEqual(log, ['1:lo', '2: you', '3:completed']);
});

test('failures and rejections are errors with their code', () => {
  const failed = open();
  feed(
    failed.reader,
    started(1, 'a'),
    delta('a', 0, 'x'),
    ended('x', 1, { outcome: 'failed', code: 'timeout', retryable: true }),
  );
  assert.deepEqual(failed.log, ['accepted', '0:x', '1:error 504 timeout']);
  const rejected = open();
  feed(
    rejected.reader,
    ended('', 0, { outcome: 'rejected', code: 'not_found', reason: 'no such conversation' }),
  );
  assert.deepEqual(rejected.log, ['accepted', '0:error 404 not_found']);
});

test('a stop ends the stream as cancelled, with what was said', () => {
  const { reader, log } = open();
  feed(reader, started(1, 'a'), delta('a', 0, 'x'), ended('x', 1, { outcome: 'cancelled', code: 'stop' }));
  assert.deepEqual(log, ['accepted', '0:x', '1:cancelled']);
});

test('a record that cannot be read ends the stream with an error, not with done', async () => {
  const { reader, log } = open();
  feed(reader, started(1, 'a'), delta('a', 0, 'x'), ended('xyz', 2));
  await settled();
  assert.deepEqual(log, ['accepted', '0:x', '-:error 500 internal_error']);
});

test('a client whose message is not accepted yet is told to go on elsewhere right after it is', () => {
  const { reader, log } = open();
  reader.drain();
  assert.deepEqual(log, []);
  reader.acknowledge();
  assert.deepEqual(log, ['accepted', 'draining -1']);
});

test('draining names the cursor; breaking off closes once', () => {
  const { reader, log, closed } = open();
  feed(reader, started(1, 'a'), delta('a', 0, 'x'), delta('a', 1, 'y'));
  reader.drain();
  reader.breakOff();
  reader.breakOff();
  feed(reader, delta('a', 2, 'z'));
  assert.deepEqual(log, ['accepted', '0:x', '1:y', 'draining 1', 'broken off']);
  assert.equal(closed(), 1);
});

test('a repeat of the message by somebody else leaves the first one alone', () => {
  const { reader, log, followed } = open();
  const own = { replyPartition: 2, deltasFrom: 10 };
  feed(reader, attached(false, own), started(1, 'a'), delta('a', 0, 'x'), attached(false), ended('x', 1));
  assert.deepEqual(followed, []);
  assert.deepEqual(log, ['accepted', '0:x', '1:completed']);
});

test("a resume by a repeat's token follows the first message, once, and shows only what is missing", () => {
  const { reader, log, followed } = open({ submitted: false, cursor: 0 });
  feed(reader, attached(true), attached(true), started(1, 'a'), delta('a', 0, 'x'), delta('a', 1, 'y'));
  feed(reader, attached(true), ended('xy', 2));
  assert.deepEqual(followed, ['follow 5/40']);
  assert.deepEqual(log, ['1:y', '2:completed']);
});

test("a resume of the first message leaves others' repeats alone; one of another message is refused", () => {
  const own = { replyPartition: 2, deltasFrom: 10 };
  const first = open({ submitted: false });
  feed(first.reader, attached(false, own), started(1, 'a'), delta('a', 0, 'x'), ended('x', 1));
  assert.deepEqual(first.log, ['0:x', '1:completed']);
  const other = open({ submitted: false });
  feed(other.reader, attached(false));
  assert.deepEqual(other.log, ['-:error 422 idempotency_mismatch']);
});
