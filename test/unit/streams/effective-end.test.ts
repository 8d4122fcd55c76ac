import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventMap, EventOf } from '../../../schemas/generated/types.ts';
import { foldEnding, noEnding, type TerminalEvent } from '../../../streams/effective-end.ts';

type Folded = TerminalEvent | EventOf<'AttemptStarted'>;

// Only the attempt matters to the fold.
const started = (attempt: number): Folded => ({
  type: 'AttemptStarted',
  data: { attempt } as EventMap['AttemptStarted'],
});
const completed = (attempt: number): Folded => ({
  type: 'InferenceCompleted',
  data: { attempt } as EventMap['InferenceCompleted'],
});
const cancelled = (attempt: number): Folded => ({
  type: 'InferenceCancelled',
  data: { attempt } as EventMap['InferenceCancelled'],
});

function effective(log: readonly Folded[]): readonly number[] {
  let ending = noEnding;
  return log.flatMap((event, index) => {
    const [next, isEffective] = foldEnding(ending, event);
    ending = next;
    return isEffective ? [index] : [];
  });
}

describe('the effective end of an inference', () => {
  it('is the first terminal event', () => {
    assert.deepEqual(effective([completed(1), cancelled(1), completed(2)]), [0]);
  });

  it('is not one of an attempt that was taken over before', () => {
    assert.deepEqual(effective([started(2), completed(1), completed(2)]), [2]);
  });

  it('stays when a taker comes too late', () => {
    assert.deepEqual(effective([completed(1), started(2), completed(2)]), [0]);
  });

  it('is, for every log of up to six events, the first one with no higher attempt before it, and the only one', () => {
    const alphabet = [started(1), started(2), started(3), completed(1), cancelled(2), completed(3)];
    let logs: readonly (readonly Folded[])[] = [[]];
    for (let length = 1; length <= 6; length += 1) {
      logs = logs.flatMap((log) => alphabet.map((event) => [...log, event]));
      for (const log of logs) {
        const first = log.findIndex(
          (event, index) =>
            event.type !== 'AttemptStarted' &&
            !log
              .slice(0, index)
              .some((other) => other.type === 'AttemptStarted' && other.data.attempt > event.data.attempt),
        );
        assert.deepEqual(effective(log), first < 0 ? [] : [first]);
      }
    }
  });
});
