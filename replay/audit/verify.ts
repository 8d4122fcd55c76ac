import type { KeyObject } from 'node:crypto';
import type { SealedRange } from '../../schemas/generated/types.ts';
import { partitionKey } from '../../streams/partition.ts';
import type { AuditSource } from './audit-source.ts';
import { checkPartition, stretchesOf, type Difference } from './chain/range.ts';
import { headOf, type Head, type Seal } from './chain/seal.ts';
import { createChainReader } from './read-chain.ts';

/** What became of a log since it was sealed. */
export type Verdict = {
  /** Nothing was found: every sealed record is there as it was, and the chain holds the head it was compared with. */
  readonly intact: boolean;
  readonly head: Head;
  readonly seals: number;
  /** Records that are as they were sealed, and records behind the last seal, which nobody can say anything about. */
  readonly verified: number;
  readonly unsealed: number;
  /** How the chain breaks, or does not hold the head; null while it does not. */
  readonly broken: string | null;
  /** The first one of each partition. */
  readonly differences: readonly Difference[];
};

/**
 * Compares a log with its chain, and the chain with a head that was kept elsewhere; without one nobody can tell whether
 * records were cut off together with their seals. `topics`: names of all that are sealed. Throws as the source does.
 */
export async function verifyLog(
  source: AuditSource,
  options: { readonly topics: readonly string[]; readonly publicKey: KeyObject; readonly head: Head | null },
): Promise<Verdict> {
  const { publicKey, head } = options;
  const ranges = new Map<string, SealedRange[]>();
  let seals = 0;
  /** Of the seal that has the number of the head. */
  let sameNumber: Head | null = null;
  const reader = createChainReader(publicKey, (seal: Seal) => {
    seals += 1;
    if (seal.number === head?.number) sameNumber = headOf(seal);
    for (const range of seal.ranges) {
      const key = partitionKey(range);
      const known = ranges.get(key);
      if (known === undefined) ranges.set(key, [range]);
      else known.push(range);
    }
  });
  await source.readChain(reader);
  const broken = reader.broken() ?? headProblem(head, sameNumber, reader.chain.head());

  const checks = new Map(
    [...ranges].flatMap(([key, list]) => {
      const [first] = list;
      return first === undefined ? [] : [[key, checkPartition(first.topic, first.partition, list)] as const];
    }),
  );
  await source.readRecords(stretchesOf([...ranges.values()].flat()), (records) => {
    const [first] = records;
    const check = first === undefined ? undefined : checks.get(partitionKey(first));
    for (const record of records) check?.add(record);
  });
  const differences: Difference[] = [];
  let verified = 0;
  for (const check of checks.values()) {
    check.finish();
    verified += check.verified;
    const difference = check.difference();
    if (difference !== null) differences.push(difference);
  }
  return {
    intact: broken === null && differences.length === 0,
    ...{ head: reader.chain.head(), seals, verified, broken, differences },
    unsealed: await countUnsealed(source, options.topics, (topic, partition) =>
      reader.chain.nextOf(topic, partition),
    ),
  };
}

function headProblem(kept: Head | null, sameNumber: Head | null, last: Head): string | null {
  if (kept === null || kept.number === 0) return null;
  if (sameNumber === null)
    return `the chain ends at seal ${last.number}, and seal ${kept.number} was there: it was cut off`;
  return sameNumber.hash === kept.hash ? null : `seal ${kept.number} is another than the one that was there`;
}

async function countUnsealed(
  source: AuditSource,
  topics: readonly string[],
  nextOf: (topic: string, partition: number) => number | null,
): Promise<number> {
  let unsealed = 0;
  for (const topic of topics) {
    const ends = (await source.ends(topic)) ?? [];
    for (const [partition, end] of ends.entries())
      unsealed += Math.max(0, end - (nextOf(topic, partition) ?? 0));
  }
  return unsealed;
}
