import type { KeyObject } from 'node:crypto';
import type { SealedRange } from '../../../schemas/generated/types.ts';
import type { LoggedEvent } from '../../../streams/event.ts';
import type { EventLog } from '../../../streams/event-log.ts';
import type { RawRecord } from '../../../streams/log.ts';
import { partitionKey } from '../../../streams/partition.ts';
import { readStretches } from '../../../streams/runner/read-stretches.ts';
import { publicPem } from '../audit-keys.ts';
import { leafHash, pathOf } from '../chain/merkle.ts';
import { sealText, type Seal } from '../chain/seal.ts';
import { recordJson } from '../record-json.ts';

/** A record with what proves that it is under a seal. Bytes are base64, hashes hex. */
type ProvedRecord = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string])[];
  /** The same decoded, for people; the proof is of the bytes. */
  readonly type: string;
  readonly data: unknown;
  /** Null for a record that is not sealed yet. */
  readonly proof: {
    readonly seal: number;
    readonly index: number;
    readonly size: number;
    readonly path: readonly string[];
  } | null;
};

/** Everything that somebody needs to check records who has neither the log nor Steno. */
export type Bundle = {
  readonly format: 'steno-evidence 1';
  readonly inference: string;
  readonly public_key: string;
  readonly records: readonly ProvedRecord[];
  /** From the first seal that covers one of them to the last of the chain, in order. */
  readonly seals: readonly { readonly text: string; readonly signature: string }[];
};

/** Proves events by the seals of a chain that was checked. Reads the ranges that they lie in. Throws as the log does. */
export async function buildBundle(options: {
  readonly events: EventLog;
  readonly inferenceId: string;
  readonly about: readonly LoggedEvent[];
  readonly seals: readonly Seal[];
  readonly publicKey: KeyObject;
  readonly signal: AbortSignal;
}): Promise<Bundle> {
  const { about, seals, publicKey } = options;
  const records: ProvedRecord[] = [];
  let first = Number.POSITIVE_INFINITY;
  for (const event of about) {
    const found = seals.find(({ ranges }) => ranges.some((range) => covers(range, event)));
    const range = found?.ranges.find((each) => covers(each, event));
    const raw = await readRange(options, range ?? { ...event, from: event.offset, to: event.offset + 1 });
    const index = raw.findIndex(({ offset }) => offset === event.offset);
    const record = raw[index];
    if (record === undefined) continue;
    if (found !== undefined) first = Math.min(first, found.number);
    const leaves = raw.map(leafHash);
    records.push({
      ...{ topic: record.topic, partition: record.partition, ...recordJson(record) },
      ...{ type: event.type, data: event.data },
      proof:
        found === undefined
          ? null
          : {
              ...{ seal: found.number, index, size: raw.length },
              path: pathOf(leaves, index).map((node) => node.toString('hex')),
            },
    });
  }
  return {
    format: 'steno-evidence 1',
    inference: options.inferenceId,
    public_key: publicPem(publicKey),
    records,
    seals: seals
      .filter(({ number }) => number >= first)
      .map((seal) => ({ text: sealText(seal), signature: Buffer.from(seal.signature).toString('base64') })),
  };
}

function covers({ topic, partition, from, to }: SealedRange, event: LoggedEvent): boolean {
  return topic === event.topic && partition === event.partition && event.offset >= from && event.offset < to;
}

async function readRange(
  { events, signal }: { readonly events: EventLog; readonly signal: AbortSignal },
  range: Pick<SealedRange, 'topic' | 'partition' | 'from' | 'to'>,
): Promise<readonly RawRecord[]> {
  const found: RawRecord[] = [];
  await readStretches(events.log, [range], {
    name: `audit-evidence-${partitionKey(range)}`,
    onRecords: (_place, records) => void found.push(...records),
    signal,
  });
  return found;
}
