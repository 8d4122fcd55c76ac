import { randomUUID } from 'node:crypto';

/** How long a call without an Idempotency-Key can be repeated by an SDK that counts its retries. */
const REMEMBERED_MS = 10 * 60_000;
const MAX_REMEMBERED = 10_000;

/**
 * Knows the calls of the last ten minutes that named no key. The SDKs repeat such a call by themselves and tell so
 * (`x-stainless-retry-count`): the repeat then goes on with the answer that is being made instead of paying for
 * another. One gateway's memory: a repeat that reaches another gateway is another call.
 */
export interface Repeats {
  /** Returns the key that stands for a call: that of the call it repeats, or a fresh one. `digest` says who asks what. */
  keyFor(digest: string, isRepeat: boolean): string;
  /** The call came to nothing: a repeat of it is a fresh attempt. */
  forget(digest: string, key: string): void;
}

export function createRepeats(now: () => number = () => performance.now()): Repeats {
  /** Oldest first. */
  const calls = new Map<string, { readonly key: string; readonly at: number }>();
  return {
    keyFor(digest, isRepeat) {
      const known = calls.get(digest);
      const at = now();
      if (isRepeat && known !== undefined && at - known.at <= REMEMBERED_MS) return known.key;
      const key = randomUUID();
      calls.delete(digest);
      calls.set(digest, { key, at });
      for (const [oldest, call] of calls) {
        if (calls.size <= MAX_REMEMBERED && at - call.at <= REMEMBERED_MS) break;
        calls.delete(oldest);
      }
      return key;
    },
    forget(digest, key) {
      if (calls.get(digest)?.key === key) calls.delete(digest);
    },
  };
}
