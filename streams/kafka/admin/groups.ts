import type { Admin } from '@platformatic/kafka';
import type { GroupState } from '../../cluster.ts';

/** Returns the state of every group with this prefix, by name. */
export async function readGroups(admin: Admin, groupPrefix: string): Promise<readonly GroupState[]> {
  const groups = [...(await admin.listGroups()).keys()].filter((id) => id.startsWith(groupPrefix)).sort();
  if (groups.length === 0) return [];
  const described = await admin.describeGroups({ groups });
  return groups.flatMap((group) => {
    const found = described.get(group);
    if (found === undefined) return [];
    const members = found.members.size;
    const isStable = found.state === 'STABLE' || found.state === 'Stable';
    return [{ group, members, state: members === 0 ? 'empty' : isStable ? 'stable' : 'moving' }];
  });
}
