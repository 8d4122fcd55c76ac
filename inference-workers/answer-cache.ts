import type { AnyEvent, EventMap } from '../schemas/generated/types.ts';

export type CachedAnswer = EventMap['AnswerCached'];

/** Answers that may be given again, as the log of answers tells it. */
export interface AnswerCache {
  /** Folds one event; events of other kinds are passed over. */
  apply(event: AnyEvent & { readonly time: number }): void;
  /**
   * The latest answer to this prompt, of this tenant, that is no older than `maxAgeMillis` at `now`; null for none. Both
   * times are the broker's append times: nobody's clock decides what is old.
   */
  find(tenantId: string, promptHash: string, now: number, maxAgeMillis: number): CachedAnswer | null;
  /** Bytes that are held, about. */
  readonly bytes: number;
}

type Entry = { readonly answer: CachedAnswer; readonly time: number };

/** What an entry costs besides its text. */
const OVERHEAD_BYTES = 1_000;

/** Keeps at most `mostBytes`: what was not asked for longest goes first. */
export function createAnswerCache(mostBytes: number): AnswerCache {
  /** In the order of their last use. */
  const entries = new Map<string, Entry>();
  /** When answers were cleared last, by tenant, and by tenant and model. */
  const cleared = new Map<string, number>();
  let bytes = 0;

  function remove(key: string): void {
    const found = entries.get(key);
    if (found === undefined) return;
    entries.delete(key);
    bytes -= costOf(found.answer);
  }

  function isCleared({ tenantId, model }: CachedAnswer, time: number): boolean {
    const latest = Math.max(cleared.get(tenantId) ?? -1, cleared.get(keyOf(tenantId, model)) ?? -1);
    return time <= latest;
  }

  function put(answer: CachedAnswer, time: number): void {
    const key = keyOf(answer.tenantId, answer.promptHash);
    const known = entries.get(key);
    if ((known !== undefined && known.time > time) || isCleared(answer, time)) return;
    remove(key);
    entries.set(key, { answer, time });
    bytes += costOf(answer);
    for (const oldest of entries.keys()) {
      if (bytes <= mostBytes) return;
      remove(oldest);
    }
  }

  return {
    apply(event) {
      if (event.type === 'AnswerCached') put(event.data, event.time);
      if (event.type !== 'CacheCleared') return;
      const { tenantId, model } = event.data;
      const place = model === null ? tenantId : keyOf(tenantId, model);
      cleared.set(place, Math.max(cleared.get(place) ?? -1, event.time));
    },
    find(tenantId, promptHash, now, maxAgeMillis) {
      const key = keyOf(tenantId, promptHash);
      const found = entries.get(key);
      if (found === undefined) return null;
      if (isCleared(found.answer, found.time)) {
        remove(key);
        return null;
      }
      if (now - found.time > maxAgeMillis) return null;
      entries.delete(key);
      entries.set(key, found);
      return found.answer;
    },
    get bytes() {
      return bytes;
    },
  };
}

/** A tenant's name holds no line break: no two pairs make one key. */
function keyOf(tenantId: string, name: string): string {
  return `${tenantId}\n${name}`;
}

function costOf({ content, deltaBytes }: CachedAnswer): number {
  return 2 * (content.text ?? '').length + 8 * deltaBytes.length + OVERHEAD_BYTES;
}
