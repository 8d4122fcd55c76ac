import { errorMessage, StenoError } from '../../../runtime/errors.ts';
import type { WireError } from './protocol.ts';

/** Turns anything thrown in the engine process into what crosses the process border; `code` names what is not ours. */
export function toWireError(error: unknown, code: string): WireError {
  if (error instanceof StenoError) {
    return { code: error.code, message: error.message, retryable: error.retryable, fix: error.fix ?? null };
  }
  return { code, message: firstLine(errorMessage(error)), retryable: false, fix: null };
}

/** The StenoError that the worker throws for an error of its engine process. */
export function fromWireError(error: WireError): StenoError {
  const fix = error.fix === null ? {} : { fix: error.fix };
  return new StenoError(error.code, error.message, { retryable: error.retryable, ...fix });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
