import { performance } from 'node:perf_hooks';

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
  const deadline = performance.now() + seconds * 1_000;
  let broken = false;
  await Promise.all(
    slots.map(async (slot) => {
      while (!broken && performance.now() < deadline) {
        try {
          signal.throwIfAborted();
          const turn = await slot.turn();
          if (performance.now() <= deadline) turns.push(turn);
        } catch (error) {
          broken = true;
          throw error;
        }
      }
    }),
  );
  return { turns, seconds };
}
