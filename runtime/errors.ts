/** Facts a reader needs to act on an error; never message text or secrets. */
export type Facts = Readonly<Record<string, string | number | boolean | null | undefined>>;

/**
 * The one error class of Steno. Vendor errors are wrapped once, at the adapter that met them.
 *
 * `code` is stable and in snake_case; `retryable` says whether the same call may succeed later;
 * `fix`, where present, is one sentence that tells a person what to do.
 */
export class StenoError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly fix: string | undefined;
  readonly facts: Facts;

  constructor(
    code: string,
    message: string,
    options: { retryable?: boolean; fix?: string; facts?: Facts; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'StenoError';
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.fix = options.fix;
    this.facts = options.facts ?? {};
  }
}

/** Returns the code of a StenoError or of a system error (`ECONNREFUSED`), else `unknown`. */
export function errorCode(error: unknown): string {
  if (error instanceof StenoError) return error.code;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return 'unknown';
}

/** Returns the message of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
