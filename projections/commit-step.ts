import { StenoError } from '../runtime/errors.ts';
import type { Database } from '../storage/database.ts';
import type { Position } from '../storage/row-store.ts';
import type { LoggedEvent } from '../streams/event.ts';
import type { Projection, Step } from './projection.ts';

export type StepInput = {
  readonly database: Database;
  readonly projection: Projection;
  readonly partition: number;
  /** As it is stored. */
  readonly position: Position;
  /** In log order, from `position.next` on. */
  readonly events: readonly LoggedEvent[];
  /** Offset after the last record of the batch. */
  readonly end: number;
  /** Most events to fold, and for how long: after that the step is written and another one follows. */
  readonly most: number;
  readonly mostMillis: number;
};

export type StepResult =
  | {
      readonly result: 'done';
      readonly position: Position;
      readonly folded: number;
      readonly erases: boolean;
      /** The event right after, which cannot be folded. */
      readonly poison: { readonly event: LoggedEvent; readonly error: unknown } | null;
    }
  /** The stored position is another one: nothing changed. */
  | { readonly result: 'lost' }
  /** One of these events cannot be written: nothing changed, try them one by one. */
  | { readonly result: 'too_much' };

/** What a step writes at most: about 5 ms. */
const MOST_EVENTS = 128;
const MOST_CHARACTERS = 1_000_000;

/** Folds events until the batch ends or a bound is reached, and commits rows and position together. */
export function commitStep(input: StepInput): StepResult {
  const { database, projection, partition, events, end } = input;
  const step = projection.begin();
  const { count, error } = fold(step, events, Math.min(input.most, MOST_EVENTS), input.mostMillis);
  const failed = error === null ? undefined : events[count];
  const poison = failed === undefined ? null : { event: failed, error };
  const position = after(input.position, events, count, end);
  const done: StepResult = { result: 'done', position, folded: count, erases: step.erases, poison };
  if (position.next === input.position.next) return done;
  try {
    const won = database.transaction(() => {
      if (!projection.positions.advance(partition, input.position.next, position)) return false;
      step.save();
      return true;
    });
    return won ? done : { result: 'lost' };
  } catch (problem) {
    const [only] = events;
    if (problem instanceof StenoError || only === undefined || count === 0) throw problem;
    if (count > 1) return { result: 'too_much' };
    return {
      result: 'done',
      position: input.position,
      folded: 0,
      erases: false,
      poison: { event: only, error: problem },
    };
  }
}

function fold(
  step: Step,
  events: readonly LoggedEvent[],
  most: number,
  millis: number,
): { count: number; error: unknown } {
  const started = performance.now();
  let count = 0;
  for (const event of events) {
    if (count >= most || step.size > MOST_CHARACTERS || performance.now() - started > millis) break;
    try {
      step.apply(event);
    } catch (error) {
      // A database that fails says nothing about the event.
      if (error instanceof StenoError) throw error;
      return { count, error };
    }
    count += 1;
  }
  return { count, error: null };
}

function after(position: Position, events: readonly LoggedEvent[], count: number, end: number): Position {
  const last = events[count - 1];
  const next = events[count]?.offset ?? end;
  // Known only if the record right before `next` is the event itself, and not one that was set aside.
  const isLast = last !== undefined && last.offset === next - 1 && 'eventId' in last.data;
  const lastEventId = isLast ? last.data.eventId : next === position.next ? position.lastEventId : '';
  return { ...position, next, lastEventId };
}
