import { refuse } from '../problems.ts';
import type { Exchange } from './exchange.ts';

const MAX_KEY_LENGTH = 255;

/** Returns the caller's Idempotency-Key; null for none. Throws `invalid_request` for one that is too long to be one. */
export function keyOf(exchange: Exchange): string | null {
  const key = exchange.header('idempotency-key');
  if (key === null || key.length <= MAX_KEY_LENGTH) return key;
  throw refuse('invalid_request', 'the Idempotency-Key is longer than 255 characters', { fix: 'use a UUID' });
}
