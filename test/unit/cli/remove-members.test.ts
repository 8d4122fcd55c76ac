import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removeMembersOf } from '../../../cli/up/remove-members.ts';

test('the memberships of a dead process are removed, and only those', async () => {
  const members: Readonly<Record<string, readonly { id: string; clientId: string }[]>> = {
    'steno-a': [
      { id: 'm1', clientId: 'steno-worker-12-steno-a' },
      { id: 'm2', clientId: 'steno-worker-123-steno-a' },
    ],
    'steno-b': [{ id: 'm3', clientId: 'steno-worker-12' }],
    'steno-c': [{ id: 'm4', clientId: 'steno-gateway-12-steno-c' }],
  };
  const removed: [string, readonly string[]][] = [];
  const admin = {
    groups: (prefix: string) =>
      Promise.resolve(
        Object.keys(members)
          .filter((group) => group.startsWith(prefix))
          .map((group) => ({ group, members: members[group]?.length ?? 0, state: 'stable' as const })),
      ),
    groupMembers: (group: string) => Promise.resolve(members[group] ?? []),
    removeMembers: (group: string, ids: readonly string[]) => {
      removed.push([group, ids]);
      return Promise.resolve();
    },
  };
  assert.equal(await removeMembersOf(admin, 'steno-', 'steno-worker-12'), 2);
  assert.deepEqual(removed, [
    ['steno-a', ['m1']],
    ['steno-b', ['m3']],
  ]);
});
