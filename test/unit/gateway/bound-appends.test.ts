import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundAppends } from '../../../gateway/bound-appends.ts';
import type { NewEvent } from '../../../streams/event.ts';

// Only how many there are counts here.
const events = (count: number): readonly NewEvent[] => new Array<NewEvent>(count);

test('what the log owes an answer for is bounded; what is over is refused as overload, once it is less it is taken', async () => {
  let pending = 2;
  let taken = 0;
  const appender = boundAppends(
    {
      append: (some) => Promise.resolve(void (taken += some.length)),
      get pending() {
        return pending;
      },
      close: () => Promise.resolve(),
    },
    3,
  );
  await appender.append(events(1));
  await assert.rejects(appender.append(events(2)), { code: 'overloaded', retryable: true });
  pending = 0;
  await appender.append(events(3));
  assert.deepEqual([taken, appender.pending], [4, 0]);
});
