import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSlots } from '../../../../inference-workers/engines/llama-cpp/slots.ts';

const never = new AbortController().signal;

test('places are given in the order they were asked for', async () => {
  const slots = createSlots(1);
  const order: string[] = [];
  const giveBack = await slots.take(never);
  const waiting = ['a', 'b', 'c'].map(async (name) => {
    const release = await slots.take(never);
    order.push(name);
    release();
  });
  assert.deepEqual(order, []);
  giveBack();
  await Promise.all(waiting);
  assert.deepEqual(order, ['a', 'b', 'c']);
});

test('who is aborted leaves the queue, and a place given back twice is one place', async () => {
  const slots = createSlots(1);
  const giveBack = await slots.take(never);
  const abort = new AbortController();
  const left = slots.take(abort.signal);
  const next = slots.take(never);
  abort.abort(new Error('gone'));
  await assert.rejects(left, /gone/);
  giveBack();
  giveBack();
  const release = await next;
  const last = slots.take(never);
  release();
  await last;
});
