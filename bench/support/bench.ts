import type { PeerName } from '../peers/peer-program.ts';
import type { Summary } from './statistics.ts';

/** What a person asks of a bench. */
export type BenchOptions = {
  /** Length of one measured segment; the bench's own if null. */
  readonly seconds: number | null;
  readonly rounds: number | null;
  /** Length of a generated log, in events; the bench's own if null. */
  readonly events: number | null;
  /** Run the projections beside the roles of a turn. */
  readonly projections: boolean;
  /** Where CPU profiles of the roles are written; null for none. */
  readonly profileDir: string | null;
  /** Ask with a key that has limits, also of the proxies that have them. */
  readonly keys: boolean;
  /** Other proxies that are measured beside us. */
  readonly peers: readonly PeerName[];
  /** Decides the order of the rounds. */
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Tells a person how far the bench is. */
  readonly say: (line: string) => void;
};

export type Target = { readonly level: 'must' | 'moonshot'; readonly text: string; readonly met: boolean };

/** Our figure beside the limit's from the same run. */
export type Figure = {
  readonly what: string;
  readonly unit: string;
  readonly ours: Summary;
  /** Null where nothing comparable was measured. */
  readonly limit: { readonly name: string; readonly value: Summary } | null;
  readonly targets: readonly Target[];
};

export type Outcome = {
  readonly figures: readonly Figure[];
  /** What else was measured, one sentence a line. */
  readonly notes: readonly string[];
};

/** A program that measures: it starts what it needs and leaves nothing behind. Throws VoidRun. */
export type Bench = {
  readonly name: string;
  readonly purpose: string;
  readonly run: (options: BenchOptions) => Promise<Outcome>;
};

/** Returns a target that is met at `value` or below. */
export function atMost(level: Target['level'], text: string, value: number, bound: number): Target {
  return { level, text, met: value <= bound };
}

/** Returns a target that is met at `value` or above. */
export function atLeast(level: Target['level'], text: string, value: number, bound: number): Target {
  return { level, text, met: value >= bound };
}
