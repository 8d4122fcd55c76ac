import { ownerOf } from '../../streams/groups.ts';
import type { GroupLag } from '../../streams/cluster.ts';
import type { ClusterFacts } from './cluster-view.ts';
import type { LagStatus, RoleStatus, Status } from './status.ts';
import type { SampledWorker } from './worker-view.ts';

/** Roles that no installation answers without; what is missing is shown as missing. */
const NEEDED = ['processors', 'inference-worker', 'projections'];

/** Puts the page's figures together. */
export function statusOf(facts: {
  readonly prefix: string;
  readonly nowMs: number;
  readonly cluster: ClusterFacts;
  readonly workers: readonly SampledWorker[];
  readonly own: Omit<Status, 'at' | 'prefix' | 'kafka' | 'roles' | 'workers' | 'breakers' | 'lag'>;
}): Status {
  const { prefix, nowMs, cluster, workers, own } = facts;
  return {
    ...own,
    prefix,
    at: new Date(nowMs).toISOString(),
    kafka: { problem: cluster.problem },
    roles: rolesOf(prefix, cluster),
    workers: workers.map(({ workerId, sampledAt, ...sample }) => ({
      id: workerId,
      model: sample.model,
      slots: sample.slots,
      active: sample.active,
      queued: sample.queued,
      tokensPerSecond: sample.tokensPerSecond,
      residentBytes: sample.residentBytes,
      // The broker's clock and ours may differ.
      secondsSilent: Math.max(0, Math.round((nowMs - sampledAt) / 1000)),
    })),
    breakers: workers.flatMap(({ workerId, model, breakerOpen }) =>
      breakerOpen === null ? [] : [{ worker: workerId, target: model, isOpen: breakerOpen }],
    ),
    lag: lagByTopic(cluster.lag),
  };
}

function rolesOf(prefix: string, { problem, groups, lag }: ClusterFacts): readonly RoleStatus[] {
  const lags = new Map<string, number>();
  for (const entry of lag) lags.set(entry.group, (lags.get(entry.group) ?? 0) + behind(entry));
  const seen = groups
    .map(({ group, state, members }): RoleStatus => {
      const health = state === 'empty' ? 'down' : state === 'moving' ? 'moving' : 'up';
      return {
        ...ownerOf(prefix, group),
        health: problem === null ? health : 'unknown',
        processes: problem === null ? members : 0,
        lag: lags.get(group) ?? 0,
      };
    })
    // Somebody who came once and left, such as a tool, is nothing to worry about.
    .filter(({ role, health }) => role !== 'subscriber' || health !== 'down');
  const missing = NEEDED.filter((role) => !seen.some((each) => each.role === role)).map(
    (role): RoleStatus => ({
      role,
      name: '',
      health: problem === null ? 'unseen' : 'unknown',
      processes: 0,
      lag: 0,
    }),
  );
  const order = (role: string): number => (NEEDED.includes(role) ? NEEDED.indexOf(role) : NEEDED.length);
  return [...seen, ...missing].sort((a, b) => order(a.role) - order(b.role));
}

/** Sums the partitions of each group and topic; the longest lag comes first. */
function lagByTopic(lag: readonly GroupLag[]): readonly LagStatus[] {
  const sums = new Map<string, LagStatus>();
  for (const entry of lag) {
    const { group, topic } = entry;
    const key = `${group} ${topic}`;
    const sum = sums.get(key) ?? { group, topic, partitions: 0, records: 0 };
    sums.set(key, { ...sum, partitions: sum.partitions + 1, records: sum.records + behind(entry) });
  }
  return [...sums.values()].sort((a, b) => b.records - a.records || (a.topic < b.topic ? -1 : 1));
}

/** Records behind the end; a position beyond it belongs to a log that is gone. */
export function behind({ committed, end }: GroupLag): number {
  return Math.max(0, end - committed);
}
