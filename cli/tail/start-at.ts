import { InvalidArgumentError } from 'commander';
import type { Log } from '../../streams/log.ts';
import { momentOf } from '../option-values.ts';

/** Where reading begins: the first record, the next one, an offset, or the first one of a time. */
export type StartAt = 'earliest' | 'latest' | { readonly offset: number } | { readonly at: number };

/** Parses `--from`; anything else is a usage error. */
export function parseStartAt(text: string): StartAt {
  if (text === 'earliest' || text === 'latest') return text;
  if (/^\d{1,15}$/.test(text)) return { offset: Number(text) };
  const at = momentOf(text);
  if (at !== null) return { at };
  throw new InvalidArgumentError(
    'It must be earliest, latest, an offset, or a time such as 2026-01-31T12:00:00Z.',
  );
}

/** What is read of one partition: from `from` on; `end` is its next offset now. */
export type Range = { readonly partition: number; readonly from: number; readonly end: number };

/** Returns where reading begins in each of the partitions. Offsets that the partition does not hold move to its edge. */
export async function rangesOf(
  log: Log,
  topic: string,
  start: StartAt,
  partitions: readonly number[],
): Promise<readonly Range[]> {
  const [firsts, starts, ends] = await Promise.all([
    log.offsets(topic, 'earliest'),
    typeof start === 'object' && 'at' in start ? log.offsets(topic, start) : null,
    log.offsets(topic, 'end'),
  ]);
  return partitions.map((partition) => {
    const first = firsts[partition] ?? 0;
    const end = ends[partition] ?? 0;
    const wanted =
      start === 'earliest'
        ? first
        : start === 'latest'
          ? end
          : 'offset' in start
            ? start.offset
            : (starts?.[partition] ?? end);
    return { partition, from: Math.min(Math.max(wanted, first), end), end };
  });
}
