/** What is asked of the cluster to take a dead process out of its groups. */
export interface GroupAdmin {
  groups(prefix: string): Promise<readonly string[]>;
  groupMembers(group: string): Promise<readonly { readonly id: string; readonly clientId: string }[]>;
  removeMembers(group: string, memberIds: readonly string[]): Promise<void>;
}

/**
 * Removes the memberships of a process that is known to be dead, so that its partitions move at once and not only after
 * the session time-out. Its client ids are `clientId`, or begin with it and a dash. Returns how many were removed.
 */
export async function removeMembersOf(
  admin: GroupAdmin,
  groupPrefix: string,
  clientId: string,
): Promise<number> {
  const groups = await admin.groups(groupPrefix);
  const removed = await Promise.all(
    groups.map(async (group) => {
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
