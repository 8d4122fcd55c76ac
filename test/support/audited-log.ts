import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { AuditSource } from '../../replay/audit/audit-source.ts';
import { buildRange } from '../../replay/audit/chain/range.ts';
import { headOf, keyIdOf, NO_SEAL, signSeal, type Head, type Seal } from '../../replay/audit/chain/seal.ts';
import type { RawRecord } from '../../streams/log.ts';
import type { Random } from './random.ts';

/** A log in memory with its chain: records of each partition in their order. */
export type AuditedLog = {
  readonly records: readonly RawRecord[][];
  readonly seals: Seal[];
};

export const auditKeys = generateKeyPairSync('ed25519');

/** Makes a log of some partitions that was sealed several times. */
export function auditedLog(random: Random, partitions = 3, rounds = 4): AuditedLog & { readonly head: Head } {
  const records: RawRecord[][] = Array.from({ length: partitions }, () => []);
  const seals: Seal[] = [];
  let head = NO_SEAL;
  for (let round = 0; round < rounds; round += 1) {
    const ranges = records.flatMap((list, partition) => {
      const from = list.length;
      const count = random.between(0, 12);
      if (count === 0) return [];
      const builder = buildRange('audited', partition, from);
      for (let index = 0; index < count; index += 1) {
        const record = madeRecord(random, partition, from + index);
        list.push(record);
        builder.add(record);
      }
      return [builder.range(list.length)];
    });
    if (ranges.length === 0) continue;
    const seal = sealOf(head, ranges, auditKeys.privateKey);
    seals.push(seal);
    head = headOf(seal);
  }
  return { records, seals, head };
}

export function sealOf(head: Head, ranges: Seal['ranges'], key: KeyObject): Seal {
  const seal = {
    ...{ number: head.number + 1, previous: head.hash, occurredAt: 1_700_000_000_000, ranges },
    keyId: keyIdOf(key),
  };
  return { ...seal, signature: signSeal(seal, key) };
}

export function madeRecord(random: Random, partition: number, offset: number): RawRecord {
  const bytes = (most: number): Buffer =>
    Buffer.from(Array.from({ length: random.between(1, most) }, () => random.between(0, 255)));
  return {
    ...{ topic: 'audited', partition, offset, timestamp: 1_700_000_000_000 + offset },
    key: random.chance(0.9) ? bytes(8) : null,
    value: random.chance(0.95) ? bytes(60) : null,
    headers: Array.from({ length: random.between(0, 3) }, (_, index) => [`h${index}`, bytes(6)] as const),
  };
}

/** The log as something that can be verified. */
export function memorySource({ records, seals }: AuditedLog): AuditSource {
  return {
    readChain: async (reader) => reader.take(seals),
    async readRecords(stretches, onRecords) {
      for (const { partition, to } of stretches)
        onRecords((records[partition] ?? []).filter(({ offset }) => offset < to));
    },
    ends: async () => records.map((list) => list.length),
  };
}
