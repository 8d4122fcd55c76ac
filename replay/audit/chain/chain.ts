import { partitionKey } from '../../../streams/partition.ts';
import { headOf, NO_SEAL, type Head, type Seal } from './seal.ts';

/** The chain as far as it was read: its last seal, and where the next one goes on in each partition. */
export interface Chain {
  head(): Head;
  /** Offset that the next range of a partition begins at; null where none was sealed. */
  nextOf(topic: string, partition: number): number | null;
  /**
   * Adds the next seal of the log. `repeat`: another seal of this number came before it, from a sealer that did not know
   * of it yet; it counts for nothing. Anything else that does not fit breaks the chain, and says how.
   */
  add(seal: Seal): 'added' | 'repeat' | { readonly broken: string };
}

/** `isGenuine`: whether the signature of a seal is good. */
export function createChain(isGenuine: (seal: Seal) => boolean): Chain {
  let head = NO_SEAL;
  const next = new Map<string, number>();

  function problemOf(seal: Seal): string | null {
    if (seal.number !== head.number + 1) return `seal ${seal.number} follows seal ${head.number}`;
    if (seal.previous !== head.hash) return `seal ${seal.number} does not name the seal before it`;
    for (const { topic, partition, from, to, marks } of seal.ranges) {
      const expected = next.get(partitionKey({ topic, partition }));
      if (expected !== undefined && from !== expected)
        return `seal ${seal.number} begins at ${topic} ${partition}@${from}, the one before ended at ${expected}`;
      if (to <= from || marks.length % 4 !== 0 || marks.length > (to - from) * 4)
        return `seal ${seal.number} has a range of ${topic} ${partition} that cannot be`;
    }
    return null;
  }

  return {
    head: () => head,
    nextOf: (topic, partition) => next.get(partitionKey({ topic, partition })) ?? null,
    add(seal) {
      if (!isGenuine(seal)) return { broken: `the signature of seal ${seal.number} is not good` };
      if (seal.number <= head.number) return 'repeat';
      const problem = problemOf(seal);
      if (problem !== null) return { broken: problem };
      for (const { topic, partition, to } of seal.ranges) next.set(partitionKey({ topic, partition }), to);
      head = headOf(seal);
      return 'added';
    },
  };
}
