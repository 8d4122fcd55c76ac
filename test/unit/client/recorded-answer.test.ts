import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { accepted, delta, done, givenSession, reset, type GivenSession } from './given-session.ts';

/**
 * Whatever happens to connections and frames, what the consumer sees is what was recorded, and a message is made once.
 * The gateways are the simplest that keep the protocol: they know what was recorded and say what is missing.
 */

type Frame = Readonly<Record<string, unknown>>;
type Recorded = { readonly pieces: readonly string[]; readonly resetAt: number };

/** One answer's frames in order: its seq is the place in the list. */
function framesOf(id: string, { pieces, resetAt }: Recorded): readonly Frame[] {
  const inference = `inf_${id}`;
  const said = pieces.map((text, seq) =>
    seq === resetAt ? reset(inference, seq) : delta(inference, seq, text),
  );
  return [...said, done(inference, pieces.length)];
}

const textOf = ({ pieces, resetAt }: Recorded): string => pieces.slice(resetAt + 1).join('');

const happening = fc.record({
  what: fc.constantFrom(
    'deliver',
    'deliver',
    'deliver',
    'repeat',
    'lose',
    'cut',
    'due',
    'drain',
    'stop-talking',
  ),
  pick: fc.nat(),
  code: fc.constantFrom(1006, 1012, 1013, 4429),
});
const recorded = fc
  .record({
    pieces: fc.array(fc.string({ maxLength: 3 }), { maxLength: 12 }),
    resetAt: fc.integer({ min: -1, max: 8 }),
  })
  .map(({ pieces, resetAt }) => ({ pieces, resetAt: resetAt < pieces.length ? resetAt : -1 }));

/** What the gateways still have to say on the present connection, by answer. */
class Gateways {
  readonly #answers: ReadonlyMap<string, readonly Frame[]>;
  readonly made = new Set<string>();
  queues = new Map<string, Frame[]>();
  said: Frame[] = [];
  #socket = 0;

  constructor(answers: ReadonlyMap<string, readonly Frame[]>) {
    this.#answers = answers;
  }

  listen(given: GivenSession): void {
    if (given.session().socket !== this.#socket) {
      this.#socket = given.session().socket;
      this.queues = new Map();
      this.said = [];
    }
    for (const frame of given.frames()) {
      const id = String(frame['id']);
      const frames = this.#answers.get(id) ?? [];
      const isResume = frame['type'] === 'resume';
      if (!isResume) this.made.add(id);
      const after = isResume ? Number(frame['after']) : -1;
      const missing = frames.slice(Math.min(after + 1, frames.length - 1));
      this.queues.set(id, [...(isResume ? [] : [accepted(id)]), ...missing]);
    }
  }

  next(pick: number): Frame | null {
    const ready = [...this.queues.values()].filter((queue) => queue.length > 0);
    const frame = ready[pick % ready.length]?.shift() ?? null;
    if (frame !== null && frame['type'] !== 'done') this.said.push(frame);
    return frame;
  }
}

test('what is seen is what was recorded, under any mix of frames, repeats, gaps, cuts and silence', () => {
  fc.assert(
    fc.property(
      fc.array(recorded, { minLength: 1, maxLength: 3 }),
      fc.array(happening, { maxLength: 60 }),
      (answers, happenings) => {
        const ids = answers.map((_answer, index) => `m${index}`);
        const gateways = new Gateways(
          new Map(answers.map((answer, index) => [`m${index}`, framesOf(`m${index}`, answer)])),
        );
        const given = givenSession({ urls: ['ws://a', 'ws://b'], giveUpAfterMs: 10 ** 12 });
        const keys = ids.map((id) => given.ask(id));
        const parts: Frame[][] = ids.map(() => []);
        const ended = new Map<number, string | null>();

        const look = (): void => {
          gateways.listen(given);
          for (const effect of given.effects()) {
            if (effect.type === 'part') parts[keys.indexOf(effect.key)]?.push(effect.part);
            if (effect.type === 'end') ended.set(effect.key, effect.failure?.code ?? null);
          }
        };
        const isOpen = (): boolean => given.session().connection === 'open';
        const connect = (): void => {
          if (given.session().connection === 'waiting') given.waitUntilDue();
          if (given.session().connection === 'connecting') given.open();
          look();
        };
        const deliver = (pick: number): boolean => {
          const frame = gateways.next(pick);
          if (frame !== null) given.receive(frame);
          look();
          return frame !== null;
        };

        let lost = false;
        for (const { what, pick, code } of happenings) {
          if (!isOpen()) connect();
          if (!isOpen()) continue;
          if (what === 'deliver') deliver(pick);
          // Frames are not lost between two others; one that is must not go unnoticed all the same.
          if (what === 'lose' && !lost) lost = gateways.next(pick) !== null;
          const again = gateways.said[pick % Math.max(gateways.said.length, 1)];
          if (what === 'repeat' && again !== undefined) given.receive(again);
          if (what === 'drain') given.receive({ type: 'draining' });
          if (what === 'cut') given.cut(code);
          if (what === 'due') given.waitUntilDue();
          if (what === 'stop-talking') gateways.queues = new Map();
          look();
        }
        // From here on nothing goes wrong any more.
        for (let turns = 0; ended.size < ids.length; turns += 1) {
          assert.ok(turns < 500, 'an answer never ends');
          if (!isOpen()) connect();
          else if (!deliver(turns)) given.waitUntilDue();
          look();
        }

        for (const [index, answer] of answers.entries()) {
          const seen = parts[index] ?? [];
          let text = '';
          for (const { type, text: piece } of seen) {
            if (type === 'text') text += String(piece);
            if (type === 'reset') text = '';
          }
          assert.equal(text, textOf(answer));
          // A delta that was lost before a reset is not missed.
          const seqs = seen.flatMap(({ type, seq }) => (type === 'accepted' ? [] : [Number(seq)]));
          assert.ok(
            seqs.every((seq, place) => place === 0 || seq > (seqs[place - 1] ?? seq)),
            String(seqs),
          );
          assert.equal(seen.at(-1)?.['type'], 'done');
          assert.equal(seen.filter(({ type }) => type === 'accepted').length, 1);
        }
        assert.deepEqual(
          [...ended.values()],
          ids.map(() => null),
        );
        assert.deepEqual([...gateways.made].sort(), ids);
      },
    ),
    { numRuns: 1_000 },
  );
});
