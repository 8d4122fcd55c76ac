import { errorMessage, StenoError } from '../runtime/errors.ts';

/** The one line a person reads when a command fails: what happened, and what to do about it. */
export function describeError(error: unknown): string {
  const message = sentence(errorMessage(error));
  if (!(error instanceof StenoError)) return `steno: ${message}`;
  return error.fix === undefined ? `steno: ${message}` : `steno: ${message} ${capital(sentence(error.fix))}`;
}

function sentence(text: string): string {
  const line = text.replaceAll(/\s*\n\s*/g, ' ').trim();
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

/** A path, a command or a setting at the beginning is left as it is spelled. */
function capital(text: string): string {
  return /^[a-z]+[ ,]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
