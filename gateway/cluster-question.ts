import type { Cluster } from '../streams/cluster.ts';

/** A question to the cluster that many may ask at once. */
export interface ClusterQuestion<T> {
  /** Resolves with the answer, the same for all who ask while it is under way; null if it takes over two seconds. */
  ask(): Promise<T | null>;
  isUnderWay(): boolean;
  stop(): Promise<void>;
}

const PATIENCE_MS = 2_000;

/**
 * The connection is opened by the first question that needs it. `work` must not throw: what the cluster does not say is
 * an answer too. It goes on when nobody waits for it any more.
 */
export function createClusterQuestion<T>(
  open: () => Promise<Cluster>,
  work: (cluster: () => Promise<Cluster>) => Promise<T>,
): ClusterQuestion<T> {
  let cluster: Cluster | null = null;
  let asking: Promise<T> | null = null;

  async function connect(): Promise<Cluster> {
    cluster ??= await open();
    return cluster;
  }

  async function answer(): Promise<T> {
    try {
      return await work(connect);
    } finally {
      asking = null;
    }
  }

  return {
    async ask() {
      asking ??= answer();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<null>((resolve) => {
        timer = setTimeout(resolve, PATIENCE_MS, null);
      });
      const found = await Promise.race([asking, late]);
      clearTimeout(timer);
      return found;
    },
    isUnderWay: () => asking !== null,
    async stop() {
      await asking;
      await cluster?.close().catch(() => undefined);
    },
  };
}
