import { InvalidArgumentError } from 'commander';

/** Parses an option as a whole number of at least `least`; anything else is a usage error. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
  };
}

/** Parses an option as the address of a gateway, without the slash at its end. */
export function gatewayUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
  throw new InvalidArgumentError('It must be an address such as http://127.0.0.1:8080.');
}

/** Parses an argument as the name of a tenant or of who calls. */
export function plainName(text: string): string {
  if (/^[\w.:@-]{1,128}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be up to 128 letters, digits or any of "_.:@-".');
}

/** Parses an option as a moment, in milliseconds since 1970. */
export function instant(text: string): number {
  const at = momentOf(text);
  if (at !== null) return at;
  throw new InvalidArgumentError('It must be a time such as 2026-01-31T12:00:00Z.');
}

/** Returns the moment that a date, or a date and a time, names in milliseconds since 1970; null for any other text. */
export function momentOf(text: string): number | null {
  const at = Date.parse(text);
  return /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(at) ? at : null;
}
