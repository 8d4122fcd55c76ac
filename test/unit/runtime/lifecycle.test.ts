import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  advance,
  initialLifecycle,
  type Lifecycle,
  type LifecycleEffect,
  type LifecycleEvent,
} from '../../../runtime/lifecycle.ts';

const SIGTERM = 15;
const SIGINT = 2;

const started: LifecycleEvent = { type: 'started' };
const stopFinished: LifecycleEvent = { type: 'stopFinished' };
const signal = (number: number | null, atMs: number): LifecycleEvent => ({
  type: 'stopAsked',
  signal: number,
  atMs,
});
const failed = (atMs: number): LifecycleEvent => ({ type: 'failed', atMs });

function live(...events: readonly LifecycleEvent[]): {
  life: Lifecycle;
  effects: readonly LifecycleEffect[];
} {
  let life = initialLifecycle;
  const effects: LifecycleEffect[] = [];
  for (const event of events) {
    const step = advance(life, event);
    life = step.next;
    effects.push(...step.effects);
  }
  return { life, effects };
}

function outcome(...events: readonly LifecycleEvent[]): readonly [string, number, string] {
  const { life, effects } = live(...events);
  return [life.phase, life.exitCode, effects.join(' ')];
}

describe('the life of a process', () => {
  test('announces itself when it has started', () => {
    assert.deepEqual(outcome(started), ['running', 0, 'announce']);
  });

  test('drains on a signal and ends with 0', () => {
    assert.deepEqual(outcome(started, signal(SIGTERM, 0), stopFinished), [
      'stopped',
      0,
      'announce setDeadline stop exit',
    ]);
  });

  test('drains when its parent asks or is gone', () => {
    assert.deepEqual(outcome(started, signal(null, 0)), ['draining', 0, 'announce setDeadline stop']);
  });

  test('waits for the end of a start before it stops', () => {
    assert.deepEqual(outcome(signal(SIGTERM, 0)), ['draining', 0, 'setDeadline']);
    assert.deepEqual(outcome(signal(SIGTERM, 0), started, stopFinished), [
      'stopped',
      0,
      'setDeadline stop exit',
    ]);
  });

  test('takes signals that come together for one', () => {
    assert.deepEqual(outcome(started, signal(null, 0), signal(SIGINT, 300), signal(SIGINT, 400)), [
      'draining',
      0,
      'announce setDeadline stop',
    ]);
  });

  for (const [number, code] of [
    [SIGINT, 130],
    [SIGTERM, 143],
  ] as const) {
    test(`ends at once with ${code} at a second signal ${number}`, () => {
      const { life, effects } = live(started, signal(SIGTERM, 0), signal(number, 700));
      assert.deepEqual([life.phase, life.exitCode, effects.at(-1)], ['failed', code, 'exit']);
    });
  }

  test('is not hurried by a parent that asks again', () => {
    assert.equal(live(started, signal(SIGTERM, 0), signal(null, 5_000)).life.phase, 'draining');
  });

  test('ends with 1 when the start fails', () => {
    assert.deepEqual(outcome(failed(0)), ['failed', 1, 'exit']);
  });

  test('stops in order and ends with 1 when it fails while running', () => {
    assert.deepEqual(outcome(started, failed(0), stopFinished), [
      'failed',
      1,
      'announce setDeadline stop exit',
    ]);
  });

  test('ends at once when it fails while draining', () => {
    const { life, effects } = live(started, signal(SIGTERM, 0), failed(1));
    assert.deepEqual([life.phase, life.exitCode, effects.at(-1)], ['failed', 1, 'exit']);
  });

  test('ends with 1 when the deadline passes', () => {
    const { life, effects } = live(started, signal(SIGTERM, 0), { type: 'deadlinePassed' });
    assert.deepEqual([life.phase, life.exitCode, effects.at(-1)], ['failed', 1, 'exit']);
  });

  test('is over once', () => {
    assert.deepEqual(outcome(failed(0), started, signal(SIGTERM, 1), stopFinished), ['failed', 1, 'exit']);
  });
});
