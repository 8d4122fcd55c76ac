import { refuse } from '../problems.ts';

/**
 * Where a reader stands: the next offset of each partition of each topic; null where the partition is not read. Topics
 * are called what `streams/topics.ts` calls them.
 */
export type Positions = ReadonlyMap<string, readonly (number | null)[]>;

const RADIX = 36;
const LARGEST = 8_000;

/**
 * Writes positions as a text that fits the id of a server-sent event: `1`, then for each topic its name and the next
 * offsets by partition in base 36, nothing for a partition that is not read.
 */
export function cursorOf(positions: Positions): string {
  let text = '1';
  for (const [topic, offsets] of positions)
    text += `~${topic}~${offsets.map((offset) => offset?.toString(RADIX) ?? '').join('.')}`;
  return text;
}

/** Reads what `cursorOf` wrote. Throws `bad_cursor`. */
export function positionsOf(cursor: string): Positions {
  const [version, ...rest] = cursor.length > LARGEST ? [] : cursor.split('~');
  if (version !== '1' || rest.length === 0 || rest.length % 2 !== 0) throw badCursor();
  const positions = new Map<string, readonly (number | null)[]>();
  for (let index = 0; index < rest.length; index += 2) {
    const [topic = '', offsets = ''] = rest.slice(index, index + 2);
    if (!/^[a-z-]{1,64}$/.test(topic) || positions.has(topic)) throw badCursor();
    positions.set(topic, offsets.split('.').map(offsetOf));
  }
  return positions;
}

export function badCursor(): Error {
  return refuse('bad_cursor', 'this is not the id of an event of this stream', {
    param: 'after',
    fix: 'send the id of the last event you received, or leave it out and say where to begin with from',
  });
}

function offsetOf(text: string): number | null {
  if (text === '') return null;
  const offset = /^[0-9a-z]{1,10}$/.test(text) ? Number.parseInt(text, RADIX) : Number.NaN;
  if (Number.isSafeInteger(offset)) return offset;
  throw badCursor();
}
