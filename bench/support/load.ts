import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { VoidRun } from './void-run.ts';

/** One answered question as its client saw it; milliseconds from the moment it was sent. */
export type Turn = { readonly firstMs: number; readonly totalMs: number; readonly deltas: number };

/** One client of a path: it asks one question at a time. */
export interface Slot {
  /** Asks, checks every piece of the answer, and says how long it took. Throws VoidRun if a piece is not right. */
  turn(): Promise<Turn>;
}

/** A way from a question to a streamed answer. */
export interface Path {
  readonly name: string;
  readonly slots: readonly Slot[];
  close(): Promise<void>;
}

export type LoadResult = {
  /** Turns that ended within the segment. */
  readonly turns: readonly Turn[];
  /** Turns that began within the segment and ended after it. */
  readonly late: readonly Turn[];
  readonly seconds: number;
};

/** Keeps `inFlight` questions under way for a time: each client asks again as soon as its answer has ended. */
export async function drive(
  path: Path,
  inFlight: number,
  seconds: number,
  signal: AbortSignal,
): Promise<LoadResult> {
  const slots = path.slots.slice(0, inFlight);
  if (slots.length < inFlight) throw new RangeError(`${path.name} has ${slots.length} slots of ${inFlight}`);
  const turns: Turn[] = [];
  const late: Turn[] = [];
  const deadline = performance.now() + seconds * 1_000;
  let broken = false;
  await Promise.all(
    slots.map(async (slot) => {
      while (!broken && performance.now() < deadline) {
        try {
          signal.throwIfAborted();
          const turn = await slot.turn();
          (performance.now() <= deadline ? turns : late).push(turn);
        } catch (error) {
          broken = true;
          throw error;
        }
      }
    }),
  );
  return { turns, late, seconds };
}

/** Moments at which somebody comes: a Poisson process of so many a second, from `random`, 0 to 1. */
type Arrivals = { readonly perSecond: number; readonly random: () => number };

/** Yields whenever somebody comes, for so many seconds, however long what was done then takes. Throws the signal's reason. */
export async function* arrive(
  { perSecond, random }: Arrivals,
  seconds: number,
  signal: AbortSignal,
): AsyncGenerator<void> {
  const began = performance.now();
  let due = 0;
  for (;;) {
    due += (-Math.log(1 - random()) / perSecond) * 1_000;
    if (due > seconds * 1_000) return;
    const wait = began + due - performance.now();
    if (wait > 0) await pause(wait);
    signal.throwIfAborted();
    yield;
  }
}

/**
 * Asks so many questions a second at random moments, however many answers are
 * under way: latency under a load that does not wait for the system, as users do not. Throws VoidRun when there are more answers under way than clients.
 */
export async function driveOpen(
  path: Path,
  arrivals: Arrivals,
  seconds: number,
  signal: AbortSignal,
): Promise<LoadResult> {
  const turns: Turn[] = [];
  const free = [...path.slots];
  const open = new Set<Promise<void>>();
  const failures: Error[] = [];
  for await (const _ of arrive(arrivals, seconds, signal)) {
    if (failures[0] !== undefined) throw failures[0];
    const slot = free.pop();
    if (slot === undefined)
      throw new VoidRun(`${path.name} cannot keep up with ${arrivals.perSecond} questions a second`);
    const turn = slot.turn().then(
      (ended) => {
        turns.push(ended);
        free.push(slot);
        open.delete(turn);
      },
      (error: unknown) => {
        failures.push(error instanceof Error ? error : new VoidRun('a turn failed'));
        open.delete(turn);
      },
    );
    open.add(turn);
  }
  await Promise.all(open);
  if (failures[0] !== undefined) throw failures[0];
  return { turns, late: [], seconds };
}
