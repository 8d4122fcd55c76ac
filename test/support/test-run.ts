/** What all integration and e2e files of one `npm test` share: one broker, one registry. */
export type TestRun = {
  /** Handed to every test process; how a test finds what is shared. */
  readonly env: Readonly<Record<string, string>>;
  /** Stops all that was started; safe to call twice. */
  stop(): Promise<void>;
};

/** Starts what integration and e2e tests share. Rejects, with nothing left running, when it cannot. */
export async function startTestRun(): Promise<TestRun> {
  // wired by infra/kafka
  return { env: {}, stop: async () => {} };
}
