import type { DeadLetter } from './dead-letters.ts';
import type { NewRecord, RawRecord } from './log.ts';

/** First header of a record that is given again: the one group that takes it. Every other reader never sees it. */
export const REDRIVE_GROUP = 'redrive_group';
const REDRIVE_OF = 'redrive_of';
/** Header of a mark in dead letters: the id of the dead letter that was given again. */
const REDRIVEN = 'dead_letter_redriven';

/**
 * Returns the record that gives a dead letter to its group again: the original bytes, key and headers on the original
 * partition. Its first header says whom it is for, so that readers find out without reading the others.
 */
export function redrive(letter: DeadLetter, value: Buffer): NewRecord {
  const headers = new Map<string, string | Buffer>([
    [REDRIVE_GROUP, letter.group],
    [REDRIVE_OF, letter.id],
  ]);
  for (const [name, content] of letter.originalHeaders)
    if (name !== REDRIVE_GROUP && name !== REDRIVE_OF) headers.set(name, content);
  return { topic: letter.topic, partition: letter.partition, key: letter.key, value, headers };
}

/** Returns the record beside a dead letter that says it was given again: a second redrive finds it. */
export function redriveMark(letter: DeadLetter): NewRecord {
  const { topic, partition } = letter.lies;
  const headers = new Map([[REDRIVEN, letter.id]]);
  return { topic, partition, key: letter.key, value: Buffer.alloc(0), headers };
}

/** The dead letter that a record of dead letters marks as given again, or null. */
export function markedAsRedriven(record: RawRecord): string | null {
  return record.headers.find(([name]) => name === REDRIVEN)?.[1].toString('utf8') ?? null;
}
