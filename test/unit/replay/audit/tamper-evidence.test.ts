import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { headOf, NO_SEAL } from '../../../../replay/audit/chain/seal.ts';
import { verifyLog, type Verdict } from '../../../../replay/audit/verify.ts';
import type { RawRecord } from '../../../../streams/log.ts';
import {
  auditedLog,
  auditKeys,
  madeRecord,
  memorySource,
  sealOf,
  type AuditedLog,
} from '../../../support/audited-log.ts';
import { seededRandom, type Random } from '../../../support/random.ts';

/** P16: any change, removal, insertion, reordering or truncation of audited records is found against the last head stored elsewhere. */

const EDITS = 1_000;
const topics = ['audited'];
const { publicKey } = auditKeys;

type Edited = { readonly log: AuditedLog; readonly partition: number; readonly offset: number };

/** Edits of records; each says where the first difference lies. */
const edits: Readonly<Record<string, (log: AuditedLog, random: Random) => Edited | null>> = {
  flip(log, random) {
    const at = pick(log, random);
    if (at === null) return null;
    const changed = flipped(at.record, random);
    return edited(log, at, (list) => list.with(at.index, changed));
  },
  drop(log, random) {
    const at = pick(log, random);
    return at === null ? null : edited(log, at, (list) => list.toSpliced(at.index, 1));
  },
  insert(log, random) {
    const at = pick(log, random);
    if (at === null) return null;
    const alien = madeRecord(random, at.partition, at.record.offset);
    return edited(log, at, (list) => [
      ...list.slice(0, at.index),
      alien,
      ...list.slice(at.index).map((record) => ({ ...record, offset: record.offset + 1 })),
    ]);
  },
  swap(log, random) {
    const at = pick(log, random);
    const list = at === null ? [] : (log.records[at.partition] ?? []);
    const [one, other] = at === null ? [] : [list[at.index], list[at.index + 1]];
    if (at === null || one === undefined || other === undefined) return null;
    return edited(log, at, (all) =>
      all
        .with(at.index, { ...other, offset: one.offset })
        .with(at.index + 1, { ...one, offset: other.offset }),
    );
  },
  truncate(log, random) {
    const at = pick(log, random);
    return at === null ? null : edited(log, at, (list) => list.slice(0, at.index));
  },
  behead(log, random) {
    const at = pick(log, random);
    if (at === null) return null;
    const first = { ...at, index: 0 };
    return edited(log, first, (list) => list.slice(at.index + 1));
  },
};

type Place = { readonly partition: number; readonly index: number; readonly record: RawRecord };

function pick({ records }: AuditedLog, random: Random): Place | null {
  const filled = records.flatMap((list, partition) => (list.length === 0 ? [] : [partition]));
  if (filled.length === 0) return null;
  const partition = random.pick(filled);
  const list = records[partition] ?? [];
  const index = random.between(0, list.length - 1);
  const record = list[index];
  return record === undefined ? null : { partition, index, record };
}

function edited(
  log: AuditedLog,
  { partition, index }: Omit<Place, 'record'>,
  change: (list: readonly RawRecord[]) => readonly RawRecord[],
): Edited {
  const before = log.records[partition] ?? [];
  const records = log.records.map((list, number) => (number === partition ? [...change(list)] : list));
  return { log: { ...log, records }, partition, offset: before[index]?.offset ?? -1 };
}

/** The record with one bit, its time, or a header changed. */
function flipped(record: RawRecord, random: Random): RawRecord {
  const flip = (bytes: Buffer): Buffer => {
    const copy = Buffer.from(bytes);
    const at = random.between(0, copy.length - 1);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.between(0, 7));
    return copy;
  };
  const kind = random.between(0, 3);
  if (kind === 0 && record.key !== null) return { ...record, key: flip(record.key) };
  if (kind === 1 && record.value !== null) return { ...record, value: flip(record.value) };
  if (kind === 2) return { ...record, timestamp: record.timestamp + 1 };
  return { ...record, headers: [...record.headers, ['added', Buffer.from('x')]] };
}

const verdictOf = (log: AuditedLog, head: ReturnType<typeof auditedLog>['head']): Promise<Verdict> =>
  verifyLog(memorySource(log), { topics, publicKey, head });

test('a log that nobody touched is intact, also behind an earlier head and with more behind the seals', async () => {
  const random = seededRandom(3);
  const log = auditedLog(random);
  assert.equal((await verdictOf(log, log.head)).intact, true);
  const [first] = log.seals;
  assert.ok(first !== undefined);
  assert.equal((await verdictOf(log, headOf(first))).intact, true);
  log.records[0]?.push(madeRecord(random, 0, log.records[0].length));
  const later = await verdictOf(log, log.head);
  assert.deepEqual([later.intact, later.unsealed], [true, 1]);
  assert.equal(later.verified, log.records.flat().length - 1);
});

test(`${EDITS} random edits of records are found, and named by their place`, async () => {
  const random = seededRandom(16);
  const counts = new Map<string, number>();
  for (let edit = 0; edit < EDITS;) {
    const log = auditedLog(random);
    const kind = random.pick(Object.keys(edits));
    const made = edits[kind]?.(log, random) ?? null;
    if (made === null) continue;
    edit += 1;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const { intact, differences } = await verdictOf(made.log, log.head);
    const found = differences.map(({ partition, offset }) => ({ partition, offset }));
    assert.equal(intact, false, `${kind} ${edit}`);
    assert.deepEqual(found, [{ partition: made.partition, offset: made.offset }], `${kind} ${edit}`);
  }
  assert.equal(counts.size, Object.keys(edits).length);
});

test('a chain that was cut off together with its records is found by the head, and by nothing else', async () => {
  const log = auditedLog(seededRandom(5), 2, 5);
  const [cut] = log.seals.slice(-1);
  const left: AuditedLog = {
    seals: log.seals.slice(0, -1),
    records: log.records.map((list, partition) => {
      const range = cut?.ranges.find((each) => each.partition === partition);
      return range === undefined ? list : list.slice(0, range.from);
    }),
  };
  assert.equal((await verifyLog(memorySource(left), { topics, publicKey, head: null })).intact, true);
  const { intact, broken } = await verdictOf(left, log.head);
  assert.equal(intact, false);
  assert.match(broken ?? '', /it was cut off/);
});

test('seals that were dropped, changed, or made with another key break the chain', async () => {
  const log = auditedLog(seededRandom(7), 2, 6);
  const { seals, head } = log;
  const other = generateKeyPairSync('ed25519').privateKey;
  const [first, second] = seals;
  assert.ok(first !== undefined && second !== undefined);
  const forged = [sealOf(NO_SEAL, first.ranges, other), ...seals.slice(1)];
  const renumbered = [{ ...first, number: 2 }, ...seals.slice(1)];
  const moved = [second, first, ...seals.slice(2)];
  for (const [what, changed] of Object.entries({ forged, renumbered, moved, dropped: seals.slice(1) })) {
    const { intact, broken } = await verdictOf({ ...log, seals: changed }, head);
    assert.deepEqual([intact, broken === null], [false, false], what);
  }
  // Whoever has the key can write a chain of its own: the head that was kept elsewhere tells.
  const own = [sealOf(NO_SEAL, first.ranges.slice(1), auditKeys.privateKey)];
  assert.equal((await verdictOf({ ...log, seals: own }, headOf(first))).intact, false);
});

test('a seal that comes twice counts once', async () => {
  const log = auditedLog(seededRandom(9), 2, 4);
  const twice = log.seals.flatMap((seal) => [seal, seal]);
  const { intact, seals } = await verdictOf({ ...log, seals: twice }, log.head);
  assert.deepEqual([intact, seals], [true, log.seals.length]);
});
