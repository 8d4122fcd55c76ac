import type { Cluster, GroupLag, GroupState } from '../../streams/cluster.ts';
import { errorCode } from '../../runtime/errors.ts';
import { createClusterQuestion } from '../cluster-question.ts';

/** The groups of this installation as the broker knows them. */
export type ClusterFacts = {
  /** Null, or the code of why the broker was not asked: then the rest is what was known before. */
  readonly problem: string | null;
  readonly groups: readonly GroupState[];
  readonly lag: readonly GroupLag[];
};

export interface ClusterView {
  /** Asks the broker, at most once a second however many ask; waits two seconds for it at most. */
  read(): Promise<ClusterFacts>;
  stop(): Promise<void>;
}

const FRESH_MS = 1_000;

/** Opens its connection when somebody asks for the first time. */
export function openClusterView(options: {
  readonly prefix: string;
  readonly open: () => Promise<Cluster>;
}): ClusterView {
  const groupPrefix = `${options.prefix}-`;
  let known: ClusterFacts = { problem: null, groups: [], lag: [] };
  let askedAt = Number.NEGATIVE_INFINITY;
  let stopped = false;
  const question = createClusterQuestion(options.open, async (connect) => {
    try {
      const cluster = await connect();
      const [groups, lag] = await Promise.all([cluster.groups(groupPrefix), cluster.lag(groupPrefix)]);
      known = { problem: null, groups, lag };
    } catch (error) {
      known = { ...known, problem: errorCode(error) };
    }
    askedAt = performance.now();
    return known;
  });

  return {
    async read() {
      if (stopped || (!question.isUnderWay() && performance.now() - askedAt < FRESH_MS)) return known;
      return (await question.ask()) ?? { ...known, problem: 'broker_unreachable' };
    },
    stop() {
      stopped = true;
      return question.stop();
    },
  };
}
