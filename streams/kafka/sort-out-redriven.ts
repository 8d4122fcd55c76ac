import type { Batch, FollowOptions, RawRecord } from '../log.ts';
import { REDRIVE_GROUP } from '../redrive.ts';
import { leadingHeader } from './wire/record-batch.ts';

/**
 * Leaves out what was given again to a group that this reader does not speak for. Every reader of a topic passes here,
 * so nobody else has to know.
 */
export function sortOutRedriven(
  records: readonly RawRecord[],
  sees: FollowOptions['seesRedriven'],
): Pick<Batch, 'records' | 'redriven'> {
  const groups = new Map<number, string>();
  for (const record of records) {
    const group = leadingHeader(record, REDRIVE_GROUP);
    if (group !== null) groups.set(record.offset, group.toString('utf8'));
  }
  if (groups.size === 0) return { records };
  const isSeen = (group: string): boolean => sees?.(group) === true;
  return {
    records: records.filter(({ offset }) => {
      const group = groups.get(offset);
      return group === undefined || isSeen(group);
    }),
    redriven: [...groups].flatMap(([offset, group]) => (isSeen(group) ? [offset] : [])),
  };
}
