import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Claim } from '../../../inference-workers/fair-queue.ts';
import { Slots, type Slot } from '../../../inference-workers/slots.ts';

const FOREVER = new AbortController().signal;

const claimOf = (tier: number): Claim => ({ tier, tenantId: 'acme', tokens: 10 });

function take(slots: Slots, tier: number): Promise<Slot> {
  return slots.acquire(claimOf(tier), FOREVER);
}

/** Asks for a slot, notes the name when it is given one, and resolves to it. */
async function ask(slots: Slots, log: string[], name: string, tier: number, alone = false): Promise<Slot> {
  const slot = await slots.acquire(claimOf(tier), FOREVER, alone);
  log.push(name);
  return slot;
}

test('slots are given at once as long as there are any', async () => {
  const slots = new Slots(2);
  await take(slots, 0);
  await take(slots, 2);
  assert.equal(slots.active, 2);
  void take(slots, 0);
  assert.deepEqual([slots.active, slots.waiting], [2, 1]);
});

test('who waits is served by tier, then by arrival', async () => {
  const slots = new Slots(1);
  const log: string[] = [];
  const first = await take(slots, 0);
  const all = [
    ask(slots, log, 'batch', 2),
    ask(slots, log, 'first', 0),
    ask(slots, log, 'standard', 1),
    ask(slots, log, 'second', 0),
  ].map((asked) => asked.then((slot) => slot.release()));
  first.release();
  await Promise.all(all);
  assert.deepEqual(log, ['first', 'second', 'standard', 'batch']);
});

test('one that runs alone waits for every slot, and nothing else starts meanwhile', async () => {
  const slots = new Slots(3);
  const log: string[] = [];
  const [one, other] = [await take(slots, 0), await take(slots, 0)];
  const alone = ask(slots, log, 'alone', 0, true);
  void ask(slots, log, 'later', 1);
  void ask(slots, log, 'urgent', 0);
  one.release();
  await nextTurn();
  assert.deepEqual([log, slots.active], [[], 1]);
  other.release();
  await nextTurn();
  assert.deepEqual([log, slots.active], [['alone'], 1]);
  (await alone).release();
  await nextTurn();
  assert.deepEqual(log, ['alone', 'urgent', 'later']);
});

test('an abort while waiting throws its reason and lets the next one in', async () => {
  const slots = new Slots(2);
  const log: string[] = [];
  const abort = new AbortController();
  await take(slots, 0);
  const refused = assert.rejects(slots.acquire(claimOf(0), abort.signal, true), /revoked/);
  const next = ask(slots, log, 'next', 0);
  assert.equal(slots.waiting, 2);
  abort.abort(new Error('revoked'));
  await refused;
  await next;
  assert.deepEqual([log, slots.active, slots.waiting], [['next'], 2, 0]);
});

test('an abort before the call throws at once, one after the slot was given changes nothing', async () => {
  const slots = new Slots(1);
  assert.throws(() => void slots.acquire(claimOf(0), AbortSignal.abort(new Error('revoked'))), /revoked/);
  const abort = new AbortController();
  const first = await take(slots, 0);
  const given = slots.acquire(claimOf(0), abort.signal);
  first.release();
  abort.abort(new Error('revoked'));
  await given;
  assert.equal(slots.active, 1);
});

test('a slot that was given back twice is one slot', async () => {
  const slots = new Slots(1);
  const slot = await take(slots, 0);
  void take(slots, 0);
  void take(slots, 0);
  slot.release();
  slot.release();
  assert.deepEqual([slots.active, slots.waiting], [1, 1]);
});

test('as many of a lower tier give way as wait above them, the last to begin first', async () => {
  const slots = new Slots(3);
  const [standard, early, late] = [await take(slots, 1), await take(slots, 2), await take(slots, 2)];
  const wanted = (): readonly boolean[] => [standard, early, late].map((slot) => slot.isWanted());
  assert.deepEqual(wanted(), [false, false, false]);
  void take(slots, 2);
  assert.deepEqual(wanted(), [false, false, false], 'their own tier waits its turn');
  void take(slots, 0);
  assert.deepEqual(wanted(), [false, false, true]);
  void take(slots, 0);
  assert.deepEqual(wanted(), [false, true, true]);
  late.release();
  early.release();
  await nextTurn();
  assert.deepEqual([slots.active, slots.waiting, standard.isWanted()], [3, 1, false]);
});

test('who waited for long is served in a higher tier, and gives way to that one no more', async () => {
  let now = 0;
  const slots = new Slots(1, () => now);
  const first = await take(slots, 0);
  const old = take(slots, 2);
  now = 60_000;
  first.release();
  const slot = await old;
  void take(slots, 0);
  assert.equal(slot.isWanted(), false);
});

test('in any order never more run than there are slots, alone means alone, and everybody is served', async () => {
  const requests = fc.array(fc.record({ priority: fc.nat({ max: 2 }), alone: fc.boolean() }), {
    maxLength: 15,
  });
  const plan = fc.record({
    size: fc.integer({ min: 1, max: 4 }),
    requests,
    order: fc.array(fc.nat({ max: 20 })),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ size, requests: all, order }) => {
      const slots = new Slots(size);
      const running: { readonly alone: boolean; readonly slot: Slot }[] = [];
      let served = 0;
      const check = (): void => {
        assert.ok(slots.active <= size);
        assert.equal(slots.active, running.length);
        assert.ok(running.length <= 1 || running.every(({ alone }) => !alone));
      };
      const release = async (pick: number): Promise<void> => {
        const [done] = running.splice(pick % Math.max(1, running.length), 1);
        done?.slot.release();
        await nextTurn();
        check();
      };
      for (const [index, request] of all.entries()) {
        void slots.acquire(claimOf(request.priority), FOREVER, request.alone).then((slot) => {
          running.push({ alone: request.alone, slot });
          served += 1;
        });
        await nextTurn();
        check();
        const pick = order[index] ?? 0;
        if (pick % 2 === 0) await release(pick);
      }
      while (running.length > 0) await release(0);
      assert.deepEqual([served, slots.active, slots.waiting], [all.length, 0, 0]);
    }),
    { numRuns: 50 },
  );
});
