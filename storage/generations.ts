import type { Database } from './database.ts';

/**
 * A database that can be replaced as a whole while it is used. A generation is a file of its own; which one is used is
 * said in one place and changes at once. Every process asks `current` now and then, and opens what it names.
 */
export interface Generations {
  /** Number of the generation in use, from 1 on. */
  current(): number;
  /** True if there is a file of this generation. */
  exists(generation: number): boolean;
  /** Opens a generation for reading and writing and makes it if it is missing. */
  open(generation: number): Database;
  /** Opens a generation for reading: see `openReader`. */
  openReader(generation: number): Database;
  /** From now on this generation is in use. */
  makeCurrent(generation: number): void;
  /** Removes the files of one generation, which must not be the one in use. */
  remove(generation: number): void;
  /** Removes what lies before the generation in use, and returns the names of the files. */
  prune(): readonly string[];
}

/** The databases of one folder, by name and version: a new version is a new database. */
export interface GenerationStore {
  of(name: string, version: number): Generations;
  /** Removes all databases of this name and an earlier version, and returns the names of the files. */
  removeVersionsBefore(name: string, version: number): readonly string[];
}

/** Folder of the read models' databases below the data directory. */
export const PROJECTIONS_FOLDER = 'projections';
