import type { KeyObject } from 'node:crypto';
import { envelope } from '../../streams/event.ts';
import type { EventAppender, EventLog } from '../../streams/event-log.ts';
import { partitionKey } from '../../streams/partition.ts';
import { appendUntilDone } from '../../streams/runner/append-until-done.ts';
import { readStretches, type Stretch } from '../../streams/runner/read-stretches.ts';
import type { Producer } from '../../schemas/generated/types.ts';
import { buildRange } from './chain/range.ts';
import { keyIdOf, signSeal, type Head } from './chain/seal.ts';
import type { ChainReader } from './read-chain.ts';

/** Marks of so many records fit one seal: what is beyond goes into the next. */
const MOST_RECORDS = 400_000;

export type SealDeps = {
  readonly events: EventLog;
  readonly appender: EventAppender;
  /** The topic of seals, and the names of those that are sealed. */
  readonly topic: string;
  readonly sealed: readonly string[];
  readonly key: KeyObject;
  readonly reader: ChainReader;
  readonly producer: Producer;
  readonly signal: AbortSignal;
  readonly now: () => number;
};

/** What was sealed: the head, and whether more waits than fitted one seal. */
export type Sealed = { readonly head: Head; readonly records: number; readonly more: boolean };

/**
 * Seals what was appended since the last seal; null if there is nothing. The seal counts once it was read again: another
 * sealer may have been faster. Throws as the log does.
 */
export async function sealLog(deps: SealDeps): Promise<Sealed | null> {
  const { events, topic, key, reader, signal } = deps;
  await reader.catchUp(events, topic, signal);
  if (reader.broken() !== null) return null;
  const { stretches, more } = await unsealed(deps);
  if (stretches.length === 0) return null;
  const ranges = new Map(
    stretches.map((stretch) => [
      partitionKey(stretch),
      { builder: buildRange(stretch.topic, stretch.partition, stretch.from), to: stretch.to },
    ]),
  );
  await readStretches(events.log, stretches, {
    name: 'audit-seal',
    signal,
    onRecords(place, records) {
      const range = ranges.get(partitionKey(place));
      for (const record of records) range?.builder.add(record);
    },
  });
  const head = reader.chain.head();
  const seal = {
    number: head.number + 1,
    previous: head.hash,
    occurredAt: deps.now(),
    ranges: [...ranges.values()].map(({ builder, to }) => builder.range(to)),
    keyId: keyIdOf(key),
  };
  const cause = { eventId: head.hash, correlationId: 'chain', tenantId: '' };
  const { occurredAt: at, ...rest } = seal;
  const data = {
    ...envelope(cause, `seal:${seal.number}:${at}`, deps.producer, at),
    ...rest,
    signature: signSeal(seal, key),
  };
  const event = { type: 'ChainSealed' as const, data, topic, key: 'chain', partition: null };
  await appendUntilDone(deps.appender, [event], signal);
  await reader.catchUp(events, topic, signal);
  const records = [...ranges.values()].reduce((sum, { builder }) => sum + builder.records, 0);
  return { head: reader.chain.head(), records, more };
}

/** What lies behind the last seal, as much as fits one. */
async function unsealed({
  events,
  sealed,
  reader,
}: SealDeps): Promise<{ readonly stretches: readonly Stretch[]; readonly more: boolean }> {
  const stretches: Stretch[] = [];
  let room = MOST_RECORDS;
  let more = false;
  for (const topic of sealed) {
    const [firsts, ends] = await Promise.all([
      events.log.offsets(topic, 'earliest'),
      events.log.offsets(topic, 'end'),
    ]);
    for (const [partition, end] of ends.entries()) {
      const from = reader.chain.nextOf(topic, partition) ?? firsts[partition] ?? 0;
      const to = Math.min(end, from + room);
      if (to < end) more = true;
      if (from >= to) continue;
      room -= to - from;
      stretches.push({ topic, partition, from, to });
    }
  }
  return { stretches, more };
}
