import type { UnreadFields } from '../schemas/codec.ts';
import type { Database } from '../storage/database.ts';
import type { Positions } from '../storage/positions.ts';
import type { LoggedEvent } from '../streams/event.ts';
import type { Dataset } from '../streams/topics.ts';

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
  /** Every row as a line, in the order of the state hash; a partition's alone if one is named. */
  lines(partition: number | null): Iterable<string>;
  /** How many rows there are. */
  count(): number;
}

export type OpenOptions = {
  /** True if nobody else writes the rows that this process reads, as in a rebuild. */
  readonly alone?: boolean;
};

/** A read model before its database is opened. Changed rows are a new version: a database of its own, rebuilt from zero. */
export type ProjectionDefinition = {
  readonly name: string;
  readonly version: number;
  /** The topic that it folds, which is kept for ever. */
  readonly dataset: Dataset;
  /** Fields that the fold never looks at: a rebuild does not decode them. A test holds the fold to it. */
  readonly unread: UnreadFields;
  /** Makes the tables if they are missing. */
  readonly open: (database: Database, options?: OpenOptions) => Projection;
  /** Returns the state hash of what these events fold to, without a database: what every projection of them must equal. */
  readonly foldHash: (events: Iterable<LoggedEvent>) => string;
};

/** Returns name and version, such as conversations-v1. */
export function nameOf({ name, version }: Pick<ProjectionDefinition, 'name' | 'version'>): string {
  return `${name}-v${version}`;
}
