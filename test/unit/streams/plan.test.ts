import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeAction, planTopics, settingsOf } from '../../../infra/topics/plan.ts';
import { allTopics } from '../../../streams/topics.ts';

const wanted = allTopics('steno', ['small']).slice(0, 2);
const existing = wanted.map(settingsOf);
const [conversations] = existing;
assert.ok(conversations !== undefined);

describe('planning topics', () => {
  it('creates what is missing', () => {
    const actions = planTopics(wanted, [conversations]);
    assert.deepEqual(actions.map(describeAction), ['create topic steno.turns.v1 (6 partitions)']);
  });

  it('does nothing where all is as wanted, and leaves strangers and their configs alone', () => {
    const stranger = { name: 'steno.other', partitions: 1, configs: {} };
    const more = { ...conversations, configs: { ...conversations.configs, 'segment.bytes': '1' } };
    assert.deepEqual(planTopics(wanted, [...existing.slice(1), more, stranger]), []);
  });

  it('changes only the configs that differ', () => {
    const configs = { ...conversations.configs, 'retention.ms': '1000' };
    const actions = planTopics(wanted, [{ ...conversations, configs }, ...existing.slice(1)]);
    assert.deepEqual(actions, [
      {
        kind: 'change',
        topic: 'steno.conversations.v1',
        configs: [{ name: 'retention.ms', from: '1000', to: '-1' }],
      },
    ]);
    assert.deepEqual(actions.map(describeAction), [
      'change topic steno.conversations.v1: retention.ms 1000 -> -1',
    ]);
  });

  it('never changes a partition count, nor anything else of that topic', () => {
    const actions = planTopics(wanted, [
      { ...conversations, partitions: 25, configs: {} },
      ...existing.slice(1),
    ]);
    assert.deepEqual(
      actions.map(({ kind }) => kind),
      ['refuse'],
    );
    assert.match(
      actions.map(describeAction).join(),
      /conversations\.v1: it has 25 partitions, the catalogue says 24/,
    );
  });
});
