import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { Slots } from '../../../inference-workers/slots.ts';

const FOREVER = new AbortController().signal;

/** Asks for a slot and notes the name when it is given one. */
function ask(slots: Slots, log: string[], name: string, priority: number, alone = false): Promise<void> {
  return slots.acquire(priority, FOREVER, alone).then(() => void log.push(name));
}

test('slots are given at once as long as there are any', async () => {
  const slots = new Slots(2);
  await slots.acquire(0, FOREVER);
  await slots.acquire(2, FOREVER);
  assert.equal(slots.active, 2);
  void slots.acquire(0, FOREVER);
  assert.deepEqual([slots.active, slots.waiting], [2, 1]);
});

test('who waits is served by priority, then by arrival', async () => {
  const slots = new Slots(1);
  const log: string[] = [];
  await slots.acquire(0, FOREVER);
  const all = [
    ask(slots, log, 'batch', 2),
    ask(slots, log, 'first', 0),
    ask(slots, log, 'standard', 1),
    ask(slots, log, 'second', 0),
  ];
  for (const _ of all) {
    slots.release();
    await nextTurn();
  }
  assert.deepEqual(log, ['first', 'second', 'standard', 'batch']);
});

test('one that runs alone waits for every slot, and nothing else starts meanwhile', async () => {
  const slots = new Slots(3);
  const log: string[] = [];
  await slots.acquire(0, FOREVER);
  await slots.acquire(0, FOREVER);
  void ask(slots, log, 'alone', 1, true);
  void ask(slots, log, 'later', 1);
  void ask(slots, log, 'urgent', 0);
  slots.release();
  await nextTurn();
  assert.deepEqual([log, slots.active], [[], 1]);
  slots.release();
  await nextTurn();
  assert.deepEqual([log, slots.active], [['alone'], 1]);
  slots.release(true);
  await nextTurn();
  assert.deepEqual(log, ['alone', 'urgent', 'later']);
});

test('an abort while waiting throws its reason and lets the next one in', async () => {
  const slots = new Slots(2);
  const log: string[] = [];
  const abort = new AbortController();
  await slots.acquire(0, FOREVER);
  const refused = assert.rejects(slots.acquire(0, abort.signal, true), /revoked/);
  const next = ask(slots, log, 'next', 0);
  assert.equal(slots.waiting, 2);
  abort.abort(new Error('revoked'));
  await refused;
  await next;
  assert.deepEqual([log, slots.active, slots.waiting], [['next'], 2, 0]);
});

test('an abort before the call throws at once, one after the slot was given changes nothing', async () => {
  const slots = new Slots(1);
  assert.throws(() => void slots.acquire(0, AbortSignal.abort(new Error('revoked'))), /revoked/);
  const abort = new AbortController();
  await slots.acquire(0, FOREVER);
  const given = slots.acquire(0, abort.signal);
  slots.release();
  abort.abort(new Error('revoked'));
  await given;
  assert.equal(slots.active, 1);
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
      const running: { readonly alone: boolean }[] = [];
      let served = 0;
      const check = (): void => {
        assert.ok(slots.active <= size);
        assert.equal(slots.active, running.length);
        assert.ok(running.length <= 1 || running.every(({ alone }) => !alone));
      };
      const release = async (pick: number): Promise<void> => {
        const [done] = running.splice(pick % Math.max(1, running.length), 1);
        if (done !== undefined) slots.release(done.alone);
        await nextTurn();
        check();
      };
      for (const [index, request] of all.entries()) {
        void slots.acquire(request.priority, FOREVER, request.alone).then(() => {
          running.push(request);
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
