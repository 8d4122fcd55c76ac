import type { Config } from './config.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { Tracer } from './tracing.ts';

/** What every role is given. */
export type RoleContext = {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  /** Says that the role cannot go on: the process stops in order and exits with 1. */
  readonly fail: (error: unknown) => void;
};

/** A role that is up. */
export interface RunningRole {
  /** True while it can take work; asked by `/readyz`. */
  isReady(): boolean;
  /** Where people reach it, if anywhere, such as http://127.0.0.1:8080. */
  readonly address?: string;
  /** Facts for `steno status`: lag, slots, open streams. Numbers only. */
  facts?(): Readonly<Record<string, number>>;
  /** Takes nothing new, finishes or hands over what it has, closes everything. */
  stop(): Promise<void>;
}

/** Starts a role with adapters already chosen by its main.ts. */
export type StartRole = (context: RoleContext) => Promise<RunningRole>;
