/** How a process ended. */
export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** A started server process. */
export interface Service {
  readonly name: string;
  readonly pid: number;
  /** Where clients reach it: `host:port`, or a URL. */
  readonly address: string;
  /** Resolves when the process has ended, whoever ended it. */
  readonly exited: Promise<Exit>;
  /** Asks the process to end and waits for it; kills it after a deadline. Calling again waits for the same end. */
  stop(): Promise<void>;
  /** Ends the process at once, as a crash would. */
  kill(): void;
}
