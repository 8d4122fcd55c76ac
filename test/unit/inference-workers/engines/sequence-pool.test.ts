import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSequencePool } from '../../../../inference-workers/engines/llama-cpp/sequence-pool.ts';

test('a conversation finds its own sequence again, another takes the one unused for longest', () => {
  const pool = createSequencePool(['s1', 's2']);
  const use = (conversationId: string): string | undefined => {
    const seat = pool.take(conversationId);
    if (seat !== null) pool.release(seat);
    return seat?.sequence;
  };
  assert.deepEqual(['a', 'b', 'a', 'c', 'a', 'b'].map(use), ['s1', 's2', 's1', 's2', 's1', 's2']);
});

test('a busy sequence is never shared, not even by its own conversation', () => {
  const pool = createSequencePool(['s1', 's2']);
  assert.equal(pool.take('a')?.sequence, 's1');
  assert.equal(pool.take('a')?.sequence, 's2');
  assert.equal(pool.take('a'), null);
});
