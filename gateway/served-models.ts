import type { Cluster } from '../streams/cluster.ts';
import { workersGroup } from '../streams/groups.ts';
import { createClusterQuestion } from './cluster-question.ts';
import type { Model, ModelDirectory } from './models.ts';

/**
 * Which models have a worker, as the broker knows it: the group of a model's pool has members. Where the broker does not
 * answer in time all have: what is not known is not refused.
 */
export interface ServedModels {
  /** Returns the first of the models that is served; null for none. */
  firstOf(candidates: readonly Model[]): Promise<Model | null>;
  /** The default model, and every other that is served. */
  list(): Promise<readonly Model[]>;
  stop(): Promise<void>;
}

/** A pool that had a worker is taken to have one for so long. One that had none is asked for again at once. */
const TRUSTED_MS = 2_000;

/** Opens its connection when it is asked for the first time; those who ask together are answered together. */
export function createServedModels(options: {
  readonly prefix: string;
  readonly models: ModelDirectory;
  readonly openCluster: () => Promise<Cluster>;
}): ServedModels {
  const { models } = options;
  const groupPrefix = workersGroup(options.prefix, '');
  const defaultModel = models.resolve(null);
  let pools: ReadonlySet<string> = new Set();
  let trustedUntil = 0;
  let stopped = false;
  /** The pools that have workers; null where the broker does not say. */
  const question = createClusterQuestion(options.openCluster, async (connect) => {
    try {
      const groups = await (await connect()).groups(groupPrefix);
      const found = groups.filter(({ members }) => members > 0);
      pools = new Set(found.map(({ group }) => group.slice(groupPrefix.length)));
      trustedUntil = performance.now() + TRUSTED_MS;
      return pools;
    } catch {
      // Null is the answer: the caller takes messages as if it had never asked, and the next one asks anew.
      return null;
    }
  });

  async function readPools(): Promise<ReadonlySet<string> | null> {
    return stopped ? null : question.ask();
  }

  async function isServed({ pool }: Model): Promise<boolean> {
    if (pools.has(pool) && performance.now() < trustedUntil) return true;
    return (await readPools())?.has(pool) ?? true;
  }

  return {
    async firstOf(candidates) {
      for (const model of candidates) if (await isServed(model)) return model;
      return null;
    },
    async list() {
      const found = await readPools();
      return models
        .list()
        .filter((model) => model.id === defaultModel?.id || (found?.has(model.pool) ?? true));
    },
    stop() {
      stopped = true;
      return question.stop();
    },
  };
}
