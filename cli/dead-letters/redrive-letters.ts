import { StenoError } from '../../runtime/errors.ts';
import type { DeadLetter } from '../../streams/dead-letters.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { ownerOf } from '../../streams/groups.ts';
import { redrive, redriveMark } from '../../streams/redrive.ts';
import { appendUntilDone } from '../../streams/runner/append-until-done.ts';
import type { OpenDeadLetters } from './open-dead-letters.ts';
import { originalEvent } from './original-event.ts';
import { readValues, type FoundLetter } from './read-letters.ts';

/** What became of one dead letter. */
export type Redriven =
  | { readonly outcome: 'redriven'; readonly letter: DeadLetter }
  | { readonly outcome: 'before'; readonly letter: DeadLetter; readonly at: number }
  | { readonly outcome: 'refused'; readonly letter: DeadLetter; readonly error: StenoError };

/**
 * Gives each dead letter to its group again and marks it, once the log has acknowledged the copy: ended in between, the
 * next redrive gives it again, which the group knows by the ids inside.
 */
export async function redriveLetters(
  open: OpenDeadLetters,
  letters: readonly FoundLetter[],
  onDone: (done: Redriven) => void,
): Promise<void> {
  const todo: FoundLetter[] = [];
  for (const letter of letters) {
    const error = foldOf(letter, open.prefix);
    if (letter.redrivenAt !== null) onDone({ outcome: 'before', letter, at: letter.redrivenAt });
    else if (error !== null) onDone({ outcome: 'refused', letter, error });
    else todo.push(letter);
  }
  if (todo.length === 0) return;
  const events = await open.events();
  const appender = open.log.openAppender('redrive');
  try {
    for await (const { letter, value } of readValues(open, todo)) {
      const error = await undecodable(events, letter, value, open.signal);
      if (error !== null) {
        onDone({ outcome: 'refused', letter, error });
        continue;
      }
      await appendUntilDone(appender, [redrive(letter, value)], open.signal);
      await appendUntilDone(appender, [redriveMark(letter)], open.signal);
      onDone({ outcome: 'redriven', letter });
    }
  } finally {
    await appender.close();
  }
}

/** Folds take nothing again: what they hold must be what the log says in its order. */
function foldOf({ id, group }: DeadLetter, prefix: string): StenoError | null {
  const { role, name } = ownerOf(prefix, group);
  if (role === 'projections')
    return new StenoError('not_redrivable', `${id} is of a read model, which folds its log in order`, {
      fix: `run steno projections rebuild ${name.replace(/-v\d+$/, '')}: it folds the record where it lies`,
    });
  if (role === 'processors')
    return new StenoError('not_redrivable', `${id} is of prepare-turn, which has gone on without it`, {
      fix: 'send the message again: on a conversation nothing is taken later than it was said',
    });
  return null;
}

/** The cause is still there: the group would only set the record aside again. */
async function undecodable(
  events: EventLog,
  letter: DeadLetter,
  value: Buffer,
  signal: AbortSignal,
): Promise<StenoError | null> {
  const event = await originalEvent(events, letter, value, false, signal);
  if (event.type !== null) return null;
  return new StenoError('still_poison', `${letter.id} still cannot be decoded (${event.message})`, {
    fix: event.code === 'unknown_schema_id' ? 'register its schema' : 'its bytes are no event: leave it here',
  });
}
