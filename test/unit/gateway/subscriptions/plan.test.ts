import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsQuery, planOf, type Plan } from '../../../../gateway/subscriptions/plan.ts';
import { startPlaces } from '../../../../gateway/subscriptions/start-places.ts';
import type { Grants } from '../../../../policies/identity/grants.ts';
import { partitionOf } from '../../../../streams/partition.ts';
import { datasets } from '../../../../streams/topics.ts';

const auditor: Grants = { role: 'auditor', models: null, routes: null, topics: null };
const plan = (query: object, grants = auditor, lastEventId: string | null = null): Plan =>
  planOf(eventsQuery.parse(query), lastEventId, 'acme', grants);

test('an auditor may have all topics, others those that they were given', () => {
  assert.deepEqual(plan({}).topics, ['conversations', 'turns', 'content', 'quality', 'audit']);
  const turns: Grants = { ...auditor, role: 'user', topics: ['turns'] };
  assert.deepEqual(plan({}, turns).topics, ['turns']);
  assert.throws(() => plan({ topics: 'conversations' }, turns), { code: 'permission_denied' });
  assert.throws(() => plan({}, { ...auditor, role: 'user' }), { code: 'permission_denied' });
  assert.throws(() => plan({}, { ...auditor, topics: [] }), { code: 'permission_denied' });
});

test('a conversation is looked for where its key lies', () => {
  const { partitions, filter } = plan({ conversation_id: 'conv_1', topics: 'conversations,turns,audit' });
  assert.deepEqual(
    [...partitions],
    (['conversations', 'turns'] as const).map((topic) => [
      topic,
      partitionOf('conv_1', datasets[topic].partitions),
    ]),
  );
  assert.equal(filter.conversationId, 'conv_1');
});

test('the header goes before the query, a cursor before a place', () => {
  assert.deepEqual(plan({ after: '1~turns~5', from: 'earliest' }).start, {
    places: new Map([['turns', [5]]]),
  });
  assert.deepEqual(plan({ after: '1~turns~5' }, auditor, '1~turns~7').start, {
    places: new Map([['turns', [7]]]),
  });
  assert.equal(plan({}).start, 'latest');
  assert.deepEqual(plan({ from: '2026-01-31T12:00:00Z' }).start, { at: Date.UTC(2026, 0, 31, 12) });
});

test('reading begins where it was asked for, within what there is', async () => {
  const log = {
    async offsets(_topic: string, which: 'earliest' | 'end' | { readonly at: number }) {
      if (typeof which === 'object') return [5, 10];
      return which === 'earliest' ? [2, 0] : [9, 10];
    },
  };
  const starts = async (query: object): Promise<readonly (readonly [string, number, number])[]> =>
    (await startPlaces(log, (topic) => topic, plan({ topics: 'quality', ...query }))).map(
      ({ topic, partition, start }) => [topic, partition, start] as const,
    );
  assert.deepEqual(await starts({}), [
    ['quality', 0, 9],
    ['quality', 1, 10],
  ]);
  assert.deepEqual(await starts({ from: 'earliest' }), [
    ['quality', 0, 2],
    ['quality', 1, 0],
  ]);
  assert.deepEqual(await starts({ from: '2026-01-31' }), [
    ['quality', 0, 5],
    ['quality', 1, 10],
  ]);
  // What retention took is passed over; partitions that are not named are not read.
  assert.deepEqual(await starts({ from: 'quality:0:1' }), [['quality', 0, 2]]);
  assert.deepEqual(await starts({ after: '1~quality~.3' }), [['quality', 1, 3]]);
  await assert.rejects(starts({ after: '1~quality~zz' }), { code: 'bad_cursor' });
});
