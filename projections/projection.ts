import type { Positions } from '../storage/positions.ts';
import type { LoggedEvent } from '../streams/event.ts';

/** Some events folded in memory on top of what is stored. */
export interface Step {
  /** Throws if the event cannot be folded; then nothing has changed. */
  apply(event: LoggedEvent): void;
  /** Roughly how many characters `save` will write. */
  readonly size: number;
  /** True if what it changes must not be found in the database's files any more. */
  readonly erases: boolean;
  /** Writes every row that changed, once; called inside the transaction that moves the position. */
  save(): void;
}

/** A read model as run-projection sees it: rows in a database of their own, and how far each partition is folded. */
export interface Projection {
  /** Name and version, such as conversations-v1. */
  readonly name: string;
  readonly positions: Positions;
  begin(): Step;
  /** Removes a partition's rows, a short transaction at every step. */
  clear(partition: number): Iterable<void>;
}
