import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { DeltaWriter, type DeltaStart } from '../../../inference-workers/delta-writer.ts';
import type { NewEvent } from '../../../streams/event.ts';
import { noPieces } from '../../../streams/delta-pieces.ts';
import { readDelta, startReading, type Reading } from '../../../streams/read-deltas.ts';
import { anAttempt, REPLY_PARTITION } from '../../support/builders.ts';

const opening: NewEvent = {
  ...anAttempt('q1', 1, 'claim'),
  topic: 'deltas',
  partition: REPLY_PARTITION,
  key: 'inf_q1',
};

/** A writer on a log that acknowledges when the test says so. */
class Desk {
  readonly requests: (readonly NewEvent[])[] = [];
  /** For each request: whether it opens the attempt. */
  readonly opens: boolean[] = [];
  clock = 0;
  readonly writer: DeltaWriter;
  #open: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];

  constructor(
    start: DeltaStart = { ...startReading, pieces: noPieces },
    first: readonly NewEvent[] = [opening],
  ) {
    const append = (events: readonly NewEvent[], opens: boolean): Promise<void> => {
      this.requests.push(events);
      this.opens.push(opens);
      return new Promise((resolve, reject) => this.#open.push({ resolve, reject }));
    };
    const now = (): number => this.clock;
    const target = {
      topic: 'deltas',
      partition: REPLY_PARTITION,
      inferenceId: 'inf_q1',
      claim: 'claim',
      append,
      now,
    };
    this.writer = new DeltaWriter(target, start, first);
  }

  get outstanding(): number {
    return this.#open.length;
  }

  async acknowledge(): Promise<void> {
    this.#open.shift()?.resolve();
    await nextTurn();
  }

  async refuse(error: Error): Promise<void> {
    this.#open.shift()?.reject(error);
    await nextTurn();
  }

  /** Waits for the end while the log acknowledges everything. */
  async finish(): Promise<void> {
    const finished = this.writer.finish();
    while (this.outstanding > 0) await this.acknowledge();
    await finished;
  }

  /** What was sent, a word per event. */
  words(): readonly (readonly string[])[] {
    return this.requests.map((events) =>
      events.map(({ type, data }) => {
        if (type !== 'InferenceDelta') return type;
        return `${data.seq}:${data.reset ? '<reset>' : (data.text.text ?? '')}`;
      }),
    );
  }

  read(): Reading {
    return this.requests.flat().reduce<Reading>((reading, event) => {
      assert.ok(event.type === 'AttemptStarted' || event.type === 'InferenceDelta');
      const [next, verdict] = readDelta(reading, event);
      assert.notEqual(verdict.type, 'ignored', 'a reader takes everything that is written');
      return next;
    }, startReading);
  }
}

test('the first piece goes at once, together with what opens the attempt', () => {
  const desk = new Desk();
  assert.deepEqual(desk.words(), []);
  desk.writer.write('He', 1);
  assert.deepEqual(desk.words(), [['AttemptStarted', '0:He']]);
});

test('what comes while a piece is on its way travels together as the next', async () => {
  const desk = new Desk();
  for (const text of ['He', 'll', 'o', ' you']) desk.writer.write(text, 1);
  assert.equal(desk.requests.length, 1);
  await desk.acknowledge();
  assert.deepEqual(desk.words(), [['AttemptStarted', '0:He'], ['1:llo you']]);
  await desk.acknowledge();
  desk.writer.write('!', 1);
  assert.deepEqual(desk.words().at(-1), ['2:!'], 'nothing was on its way: it goes at once');
  await desk.finish();
  assert.equal(desk.writer.text, 'Hello you!');
  assert.equal(desk.read().tokens, 5);
  assert.equal(desk.writer.tokens, 5);
});

test('the ends and the times of the deltas are noted: bytes, and milliseconds since the one before', async () => {
  const desk = new Desk();
  desk.clock = 250;
  desk.writer.write('grün', 1);
  await desk.acknowledge();
  desk.clock = 280;
  desk.writer.write('🌱', 1);
  await desk.finish();
  assert.deepEqual(desk.writer.seqs, { firstSeq: 0, nextSeq: 2, deltaBytes: [5, 4], deltaMillis: [250, 30] });
});

test('an answer without a word still opens its attempt', async () => {
  const desk = new Desk();
  await desk.finish();
  assert.deepEqual(desk.words(), [['AttemptStarted']]);
  assert.deepEqual(desk.writer.seqs, { firstSeq: 0, nextSeq: 0, deltaBytes: [], deltaMillis: [] });
});

test('who takes over goes on behind the text that is there', async () => {
  const pieces = { deltaBytes: [3, 2], deltaMillis: [0, 20] };
  const desk = new Desk({ nextSeq: 4, firstSeq: 2, text: 'früh', pieces }, []);
  desk.writer.write('er', 1);
  await desk.finish();
  assert.deepEqual(desk.words(), [['4:er']]);
  assert.equal(desk.writer.text, 'früher');
  const { deltaBytes, ...seqs } = desk.writer.seqs;
  assert.deepEqual([seqs.firstSeq, seqs.nextSeq, deltaBytes], [2, 5, [3, 2, 2]]);
});

test('a reset takes a seq, travels with the next piece and takes all text back', async () => {
  const desk = new Desk();
  desk.writer.write('wrong', 1);
  await desk.finish();
  desk.writer.reset();
  assert.equal(desk.writer.written, '');
  desk.writer.write('right', 1);
  await desk.finish();
  assert.deepEqual(desk.words(), [
    ['AttemptStarted', '0:wrong'],
    ['1:<reset>', '2:right'],
  ]);
  assert.equal(desk.writer.text, 'right');
  assert.deepEqual([desk.writer.seqs.firstSeq, desk.writer.seqs.nextSeq], [2, 3]);
  assert.deepEqual(desk.writer.seqs.deltaBytes, [5]);
  assert.equal(desk.read().text, 'right');
});

test('a reset with nothing after it is told at the end', async () => {
  const desk = new Desk();
  desk.writer.write('wrong', 1);
  await desk.finish();
  desk.writer.reset();
  await desk.finish();
  assert.deepEqual(desk.words().at(-1), ['1:<reset>']);
  assert.equal(desk.read().text, '');
});

test('an append that fails surfaces at the next piece and at the end, and nothing more is sent', async () => {
  const desk = new Desk();
  desk.writer.write('a', 1);
  desk.writer.write('b', 1);
  await desk.refuse(new Error('lost'));
  assert.throws(() => desk.writer.write('c', 1), /lost/);
  await assert.rejects(desk.writer.finish(), /lost/);
  assert.equal(desk.requests.length, 1);
});

test('an append that fails while the end is awaited surfaces there', async () => {
  const desk = new Desk();
  desk.writer.write('a', 1);
  const refused = assert.rejects(desk.writer.finish(), /lost/);
  await desk.refuse(new Error('lost'));
  await refused;
});

test('however a text is cut and whenever the log answers, readers see that text in dense seqs', async () => {
  const step = fc.oneof(
    fc.record({ write: fc.string({ unit: 'grapheme', maxLength: 4 }) }),
    fc.constant({ acknowledge: true as const }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const desk = new Desk();
      let text = '';
      for (const move of steps) {
        if ('write' in move) {
          desk.writer.write(move.write, 1);
          text += move.write;
          assert.equal(desk.writer.written, text);
        } else await desk.acknowledge();
        assert.ok(desk.outstanding <= 1, 'one piece is on its way at a time');
      }
      await desk.finish();
      const { deltaBytes, deltaMillis, firstSeq, nextSeq } = desk.writer.seqs;
      assert.equal(desk.writer.text, text);
      const reading = desk.read();
      assert.deepEqual([reading.text, reading.nextSeq], [text, nextSeq]);
      assert.equal(
        deltaBytes.reduce((sum, bytes) => sum + bytes, 0),
        Buffer.byteLength(text),
      );
      assert.deepEqual([deltaBytes.length, deltaMillis.length], [nextSeq - firstSeq, nextSeq - firstSeq]);
    }),
  );
});

test('only what opens the attempt travels the way of first tokens', async () => {
  const desk = new Desk();
  for (const word of ['one', ' two', ' three']) {
    desk.writer.write(word, 1);
    await desk.acknowledge();
  }
  await desk.finish();
  assert.deepEqual(desk.opens, [true, false, false]);
});
