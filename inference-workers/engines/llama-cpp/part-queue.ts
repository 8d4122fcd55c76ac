/** What is known of an answer between its producer and its one reader. */
export interface PartQueue<Part> {
  push(part: Part): void;
  end(): void;
  /** Ends the queue with an error; parts pushed before are still read. */
  fail(error: unknown): void;
  read(): AsyncGenerator<Part, void>;
}

/** Builds a queue with one reader; it is bounded by what is pushed, for the callers an answer's token limit. */
export function createPartQueue<Part>(): PartQueue<Part> {
  let parts: Part[] = [];
  let outcome: { readonly error: unknown; readonly failed: boolean } | null = null;
  let wake: () => void = () => undefined;
  const close = (error: unknown, failed: boolean): void => {
    outcome ??= { error, failed };
    wake();
  };
  return {
    push(part) {
      if (outcome !== null) return;
      parts.push(part);
      wake();
    },
    end: () => close(undefined, false),
    fail: (error) => close(error, true),
    async *read() {
      for (;;) {
        const ready = parts;
        parts = [];
        yield* ready;
        if (parts.length > 0) continue;
        if (outcome !== null) {
          if (outcome.failed) throw outcome.error;
          return;
        }
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
