import type { SealedRange } from '../../../schemas/generated/types.ts';
import type { RawRecord } from '../../../streams/log.ts';
import { partitionKey } from '../../../streams/partition.ts';
import type { Stretch } from '../../../streams/runner/read-stretches.ts';
import { createTree, leafHash } from './merkle.ts';

/** Bytes of a leaf hash that are kept of each record. */
export const MARK_BYTES = 4;

/** Seals records as they come, in the order of their partition. */
export interface RangeBuilder {
  readonly records: number;
  add(record: RawRecord): void;
  /** What was added, up to an offset. */
  range(to: number): SealedRange;
}

export function buildRange(topic: string, partition: number, from: number): RangeBuilder {
  const tree = createTree();
  const marks: Buffer[] = [];
  return {
    get records() {
      return tree.size;
    },
    add(record) {
      const leaf = leafHash(record);
      tree.add(leaf);
      marks.push(leaf.subarray(0, MARK_BYTES));
    },
    range: (to) => ({
      ...{ topic, partition, from, to },
      root: tree.root().toString('hex'),
      marks: Buffer.concat(marks),
    }),
  };
}

/** The first thing that is not as it was sealed. */
export type Difference = {
  readonly topic: string;
  readonly partition: number;
  /** Of the record that differs, is missing or should not be there. */
  readonly offset: number;
  readonly kind: 'changed' | 'missing' | 'unexpected';
};

/** Compares the records of one partition with the ranges that it was sealed in, in the order of both. */
export interface PartitionCheck {
  /** Offset behind the last sealed record. */
  readonly end: number;
  /** Records that were as they were sealed. */
  readonly verified: number;
  /** Null while all is as it was sealed; after a difference nothing more is compared. */
  difference(): Difference | null;
  add(record: RawRecord): void;
  /** There are no more records. */
  finish(): void;
}

/** `ranges`: those of the partition, each beginning where the one before ended. */
export function checkPartition(
  topic: string,
  partition: number,
  ranges: readonly SealedRange[],
): PartitionCheck {
  const end = ranges.at(-1)?.to ?? 0;
  let found: Difference | null = null;
  let verified = 0;
  let index = 0;
  let tree = createTree();
  let next = ranges[0]?.from ?? 0;

  const differs = (kind: Difference['kind'], offset: number): void => {
    found ??= { topic, partition, offset, kind };
  };

  /** Ends ranges that lie before an offset. */
  function closeBefore(offset: number): void {
    for (let range = ranges[index]; range !== undefined && offset >= range.to; range = ranges[index]) {
      if (found !== null) return;
      if (tree.size < range.marks.length / MARK_BYTES) return differs('missing', next);
      // Only who finds another record with the same mark comes here.
      if (tree.root().toString('hex') !== range.root) return differs('changed', range.from);
      verified += tree.size;
      tree = createTree();
      next = range.to;
      index += 1;
    }
  }

  return {
    end,
    get verified() {
      return verified;
    },
    difference: () => found,
    add(record) {
      closeBefore(record.offset);
      const range = ranges[index];
      if (found !== null || range === undefined) return;
      if (record.offset < next) return differs('unexpected', record.offset);
      const at = tree.size * MARK_BYTES;
      if (at >= range.marks.length) return differs('unexpected', record.offset);
      const isDense = range.marks.length / MARK_BYTES === range.to - range.from;
      if (isDense && record.offset > next) return differs('missing', next);
      const leaf = leafHash(record);
      if (!leaf.subarray(0, MARK_BYTES).equals(range.marks.subarray(at, at + MARK_BYTES)))
        return differs('changed', record.offset);
      tree.add(leaf);
      next = record.offset + 1;
    },
    finish() {
      closeBefore(end);
    },
  };
}

/** Returns all that ranges cover, a stretch for each partition. The ranges of a partition follow one another. */
export function stretchesOf(ranges: readonly SealedRange[]): readonly Stretch[] {
  const stretches = new Map<string, Stretch>();
  for (const { topic, partition, from, to } of ranges) {
    const key = partitionKey({ topic, partition });
    stretches.set(key, { topic, partition, from: stretches.get(key)?.from ?? from, to });
  }
  return [...stretches.values()];
}
