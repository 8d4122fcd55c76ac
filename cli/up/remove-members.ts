import type { KafkaAdmin } from '../../streams/kafka/admin.ts';

/** What is asked of the cluster to take a dead process out of its groups. */
export type GroupAdmin = Pick<KafkaAdmin, 'groups' | 'groupMembers' | 'removeMembers'>;

/**
 * Removes the memberships of a process that is known to be dead, so that its partitions move at once and not only after
 * the session time-out; also out of a group that has committed nothing yet. Its client ids are `clientId`, or begin with
 * it and a dash. Returns how many were removed.
 */
export async function removeMembersOf(
  admin: GroupAdmin,
  groupPrefix: string,
  clientId: string,
): Promise<number> {
  const groups = await admin.groups(groupPrefix);
  const removed = await Promise.all(
    groups.map(async ({ group }) => {
      const dead = (await admin.groupMembers(group)).filter(
        (member) => member.clientId === clientId || member.clientId.startsWith(`${clientId}-`),
      );
      if (dead.length > 0) {
        await admin.removeMembers(
          group,
          dead.map(({ id }) => id),
        );
      }
      return dead.length;
    }),
  );
  return removed.reduce((sum, count) => sum + count, 0);
}
