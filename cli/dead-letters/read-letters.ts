import { readDeadLetter, type DeadLetter } from '../../streams/dead-letters.ts';
import type { Log, RawRecord } from '../../streams/log.ts';
import { partitionKey } from '../../streams/partition.ts';
import { markedAsRedriven } from '../../streams/redrive.ts';

/** A dead letter, and when it was given to its group again, in milliseconds since 1970; null if it was not. */
export type FoundLetter = DeadLetter & { readonly redrivenAt: number | null };

export type LetterFilter = { readonly topic?: string | undefined; readonly group?: string | undefined };

type Source = { readonly log: Log; readonly topic: string; readonly signal: AbortSignal };

/**
 * Reads every dead letter without its bytes, oldest first. One that was set aside twice, because a process ended in
 * between, has the same id twice and counts once.
 */
export async function readLetters(source: Source): Promise<readonly FoundLetter[]> {
  const letters = new Map<string, DeadLetter>();
  const redriven = new Map<string, number>();
  for await (const record of recordsOf(source, null)) {
    const marked = markedAsRedriven(record);
    if (marked !== null) redriven.set(marked, record.timestamp);
    const letter = readDeadLetter(record);
    if (letter !== null && !letters.has(letter.id)) letters.set(letter.id, letter);
  }
  return [...letters.values()]
    .map((letter) => ({ ...letter, redrivenAt: redriven.get(letter.id) ?? null }))
    .sort((a, b) => a.setAsideAt - b.setAsideAt || a.lies.offset - b.lies.offset);
}

/** Reads the original bytes of dead letters, in the order in which they lie in each partition. */
export async function* readValues<L extends DeadLetter>(
  source: Source,
  letters: readonly L[],
): AsyncGenerator<{ readonly letter: L; readonly value: Buffer }> {
  const wanted = new Map(
    letters.map((letter) => [`${partitionKey(letter.lies)}@${letter.lies.offset}`, letter]),
  );
  const partitions = new Map<number, { from: number; end: number }>();
  for (const { lies } of letters) {
    const known = partitions.get(lies.partition) ?? { from: lies.offset, end: lies.offset + 1 };
    known.from = Math.min(known.from, lies.offset);
    known.end = Math.max(known.end, lies.offset + 1);
    partitions.set(lies.partition, known);
  }
  for await (const record of recordsOf(source, partitions)) {
    const letter = wanted.get(`${partitionKey(record)}@${record.offset}`);
    if (letter !== undefined) yield { letter, value: record.value ?? Buffer.alloc(0) };
  }
}

/** Those that fit; a group may be named without the prefix of the installation. */
export function findLetters(
  letters: readonly FoundLetter[],
  { topic, group }: LetterFilter,
  prefix: string,
): readonly FoundLetter[] {
  return letters.filter(
    (letter) =>
      (topic === undefined || letter.topic === topic) &&
      (group === undefined || letter.group === group || letter.group === `${prefix}-${group}`),
  );
}

type Range = { readonly from: number; readonly end: number };

/** Every record of the ranges, by partition; of the whole topic as it is now without ranges. */
async function* recordsOf(
  source: Source,
  ranges: ReadonlyMap<number, Range> | null,
): AsyncGenerator<RawRecord> {
  const { log, topic, signal } = source;
  const open = new Map(ranges ?? (await wholeOf(log, topic)));
  for (const [partition, { from, end }] of open) if (from >= end) open.delete(partition);
  if (open.size === 0) return;
  /** A partition whose records wait here is not read further. */
  const waiting: { readonly records: readonly RawRecord[]; readonly done: () => void }[] = [];
  let wake: () => void = () => undefined;
  const failures: Error[] = [];
  const fail = (error: unknown): void => {
    failures.push(error instanceof Error ? error : new Error('cannot read dead letters', { cause: error }));
    wake();
  };
  const follower = log.openFollower({
    name: 'dead-letters',
    onFailure: fail,
    onBatch: ({ partition, records, nextOffset }) =>
      new Promise<void>((done) => {
        const end = open.get(partition)?.end ?? 0;
        waiting.push({ records: records.filter(({ offset }) => offset < end), done });
        if (nextOffset >= end) {
          follower.remove(topic, partition);
          open.delete(partition);
        }
        wake();
      }),
  });
  const abort = (): void => fail(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    for (const [partition, { from }] of [...open]) await follower.add(topic, partition, from);
    for (;;) {
      signal.throwIfAborted();
      const [failure] = failures;
      if (failure !== undefined) throw failure;
      const found = waiting.shift();
      if (found !== undefined) {
        yield* found.records;
        found.done();
      } else if (open.size === 0) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener('abort', abort);
    for (const { done } of waiting) done();
    await follower.stop();
  }
}

async function wholeOf(log: Log, topic: string): Promise<ReadonlyMap<number, Range>> {
  const [starts, ends] = await Promise.all([log.offsets(topic, 'earliest'), log.offsets(topic, 'end')]);
  return new Map(ends.map((end, partition) => [partition, { from: starts[partition] ?? 0, end }]));
}
