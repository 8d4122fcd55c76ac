import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FairQueue, type Claim } from '../../../inference-workers/fair-queue.ts';

const claim = (tenantId: string, tokens = 100, tier = 0): Claim => ({ tier, tenantId, tokens });

/** Takes everything out, at one moment. */
function drain(queue: FairQueue<string>, now = 0): readonly string[] {
  const order: string[] = [];
  for (let next = queue.take(now); next !== null; next = queue.take(now)) order.push(next.item);
  return order;
}

test('tiers come first, whatever the tenant', () => {
  const queue = new FairQueue<string>();
  queue.add(claim('a', 1, 2), 'batch', 0);
  queue.add(claim('b', 1, 1), 'standard', 0);
  queue.add(claim('b', 900, 0), 'interactive', 0);
  assert.equal(queue.before(2), 2);
  assert.deepEqual(drain(queue), ['interactive', 'standard', 'batch']);
});

test('a tenant that asks for much takes turns with one that asks for little', () => {
  const queue = new FairQueue<string>();
  for (let index = 0; index < 6; index += 1) queue.add(claim('much'), 'much', 0);
  for (let index = 0; index < 3; index += 1) queue.add(claim('little'), 'little', 0);
  const order = drain(queue);
  assert.equal(order.slice(0, 6).filter((name) => name === 'little').length, 3, order.join(' '));
});

test('shares are of tokens, not of requests', () => {
  const queue = new FairQueue<string>();
  for (let index = 0; index < 4; index += 1) queue.add(claim('large', 400), 'large', 0);
  for (let index = 0; index < 16; index += 1) queue.add(claim('small', 100), 'small', 0);
  const order = drain(queue).slice(0, 10);
  assert.equal(order.filter((name) => name === 'large').length, 2, order.join(' '));
});

test('a tenant that was away saved nothing up', () => {
  const queue = new FairQueue<string>();
  for (let index = 0; index < 12; index += 1) queue.add(claim('busy'), 'busy', 0);
  for (let index = 0; index < 6; index += 1) queue.take(0);
  for (let index = 0; index < 6; index += 1) queue.add(claim('back'), 'back', 0);
  const order = drain(queue).slice(0, 6);
  assert.equal(order.filter((name) => name === 'back').length, 3, order.join(' '));
});

test('inside a tenant the small go first, and the old before the young', () => {
  const queue = new FairQueue<string>();
  queue.add(claim('a', 500), 'large', 0);
  queue.add(claim('a', 100), 'small', 0);
  queue.add(claim('a', 100), 'small and late', 450);
  assert.deepEqual(drain(queue, 450), ['small', 'large', 'small and late']);
});

test('whoever waits is served one tier higher each half minute', () => {
  const queue = new FairQueue<string>();
  queue.add(claim('a', 1, 2), 'batch', 0);
  queue.add(claim('a', 500, 1), 'standard', 29_000);
  assert.deepEqual(queue.take(30_000), { item: 'batch', tier: 1 });
});

test('everybody is served once, and who left is not', () => {
  const claims = fc.array(
    fc.record({
      tier: fc.nat({ max: 3 }),
      tenantId: fc.constantFrom('a', 'b', 'c'),
      tokens: fc.nat({ max: 999 }),
    }),
  );
  fc.assert(
    fc.property(claims, fc.nat(), (all, pick) => {
      const queue = new FairQueue<number>();
      all.forEach((one, index) => queue.add(one, index, index));
      const left = all.length === 0 ? -1 : pick % all.length;
      queue.remove(left);
      const served: number[] = [];
      for (let next = queue.take(1_000); next !== null; next = queue.take(1_000)) served.push(next.item);
      const expected = all.map((_, index) => index).filter((index) => index !== left);
      assert.deepEqual(
        served.sort((a, b) => a - b),
        expected,
      );
      assert.equal(queue.size, 0);
    }),
  );
});
