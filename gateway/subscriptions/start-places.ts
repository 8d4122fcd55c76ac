import type { Log } from '../../streams/log.ts';
import { refuse } from '../problems.ts';
import type { Plan, SubscribableTopic } from './plan.ts';

/** A partition that is read: where reading begins, and where the log ends now. */
export type Place = {
  readonly topic: SubscribableTopic;
  readonly partition: number;
  readonly start: number;
  readonly end: number;
};

/**
 * Finds where each partition of a plan begins to be read. What retention has taken already is passed over. Throws
 * `bad_cursor` for a place that the log has not reached, and as the log does.
 */
export async function startPlaces(
  log: Pick<Log, 'offsets'>,
  nameOf: (topic: SubscribableTopic) => string,
  plan: Plan,
): Promise<readonly Place[]> {
  const found = await Promise.all(plan.topics.map((topic) => placesOf(log, topic, nameOf(topic), plan)));
  return found.flat();
}

async function placesOf(
  log: Pick<Log, 'offsets'>,
  topic: SubscribableTopic,
  name: string,
  { start, partitions }: Plan,
): Promise<readonly Place[]> {
  const [firsts, ends, times] = await Promise.all([
    log.offsets(name, 'earliest'),
    log.offsets(name, 'end'),
    typeof start === 'object' && 'at' in start ? log.offsets(name, start) : null,
  ]);
  const named = typeof start === 'object' && 'places' in start ? start.places.get(topic) : undefined;
  const only = partitions.get(topic);
  return ends.flatMap((end, partition): readonly Place[] => {
    if (only !== undefined && only !== partition) return [];
    const first = firsts[partition] ?? 0;
    const asked = named === undefined ? begin(start, first, end, times?.[partition]) : named[partition];
    if (asked === null || asked === undefined) return [];
    if (asked > end) throw ahead();
    return [{ topic, partition, start: Math.max(first, asked), end }];
  });
}

/** Topics that a cursor does not know begin where new ones do. */
function begin(start: Plan['start'], first: number, end: number, atTime: number | undefined): number {
  if (start === 'earliest') return first;
  return atTime ?? end;
}

function ahead(): Error {
  return refuse('bad_cursor', 'the log has not reached the place that reading was to begin at', {
    param: 'after',
    fix: 'it belongs to another log: begin anew with from',
  });
}
