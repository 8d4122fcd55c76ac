import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openClusterView } from '../../../../gateway/status-page/cluster-view.ts';
import { StenoError } from '../../../../runtime/errors.ts';
import type { Cluster, GroupState } from '../../../../streams/cluster.ts';

const GROUP: GroupState = { group: 'steno-prepare-turn', state: 'stable', members: 1 };

/** A cluster that counts how often it is asked; its answer can be made to fail. */
function countingCluster(): Cluster & { asked: number; opened: number; failing: boolean } {
  const cluster = {
    asked: 0,
    opened: 0,
    failing: false,
    async groups() {
      cluster.asked += 1;
      if (cluster.failing) throw new StenoError('broker_unreachable', 'nobody answers', { retryable: true });
      return [GROUP];
    },
    lag: async () => [],
    close: async () => undefined,
  };
  return cluster;
}

test('however many look, the broker is asked once, and not before somebody looks', async () => {
  const cluster = countingCluster();
  const view = openClusterView({
    prefix: 'steno',
    open: async () => {
      cluster.opened += 1;
      return cluster;
    },
  });
  assert.equal(cluster.opened, 0);
  const views = await Promise.all([view.read(), view.read(), view.read()]);
  await view.read();
  assert.deepEqual([cluster.opened, cluster.asked], [1, 1]);
  for (const { groups, problem } of views) assert.deepEqual([groups, problem], [[GROUP], null]);
  await view.stop();
});

test('a broker that fails is named, and what was known before is kept', async (context) => {
  const cluster = countingCluster();
  const clock = context.mock.method(performance, 'now', () => 0);
  const view = openClusterView({ prefix: 'steno', open: async () => cluster });
  await view.read();
  clock.mock.mockImplementation(() => 5_000);
  cluster.failing = true;
  const facts = await view.read();
  assert.deepEqual([facts.problem, facts.groups], ['broker_unreachable', [GROUP]]);
  await view.stop();
});
