import { StenoError } from '../../runtime/errors.ts';

/** Returns an opaque cursor: where a page ended. */
export function writeCursor(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** Reads a cursor of a number, followed by a text where `hasText`. Throws StenoError `bad_cursor`. */
export function readCursor(cursor: string, hasText: boolean): readonly [number, string] {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(place)) {
      const [number, text] = place as readonly unknown[];
      if (typeof number === 'number' && Number.isSafeInteger(number)) {
        if (!hasText) return [number, ''];
        if (typeof text === 'string') return [number, text];
      }
    }
  } catch {
    // Not JSON: the same as any other text that is no cursor.
  }
  throw new StenoError('bad_cursor', 'the cursor is not one that a page ended with', {
    fix: 'send the cursor of the page before as it came, or none',
  });
}
