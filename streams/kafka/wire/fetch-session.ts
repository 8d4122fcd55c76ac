import { encodeFetch, type FetchResponse, type Wanted } from './fetch.ts';

/** Kafka protocol error codes of a fetch session that the broker or we have lost: the next fetch opens another. */
const SESSION_ERRORS: ReadonlySet<number> = new Set([70, 71, 106]);
const LAST_EPOCH = 2 ** 31 - 1;

export type SessionLimits = {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitionMaxBytes: number;
};

/**
 * One fetch session with one broker (KIP-227): a request names only the partitions that are new or whose offset has
 * moved, and those that are no longer wanted. One request at a time.
 */
export class FetchSession {
  readonly #limits: SessionLimits;
  #id = 0;
  #epoch = 0;
  /** What the broker was last told. */
  readonly #told = new Map<string, Wanted>();

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  /** The request that asks for these partitions. */
  request(wanted: readonly Wanted[]): Buffer {
    const isFirst = this.#id === 0;
    if (isFirst) this.#told.clear();
    const changed: Wanted[] = [];
    const named = new Set<string>();
    for (const item of wanted) {
      named.add(item.wireKey);
      if (this.#told.get(item.wireKey)?.next === item.next) continue;
      changed.push(item);
      // A copy: the position moves on, what was told does not.
      const { wireKey, topicId, partition, next } = item;
      this.#told.set(wireKey, { wireKey, topicId, partition, next });
    }
    const forgotten: Wanted[] = [];
    if (this.#told.size > named.size) {
      for (const [key, item] of this.#told) {
        if (named.has(key)) continue;
        forgotten.push(item);
        this.#told.delete(key);
      }
    }
    return encodeFetch({
      ...this.#limits,
      sessionId: this.#id,
      sessionEpoch: this.#epoch,
      wanted: changed,
      forgotten,
    });
  }

  /** Takes note of what the request brought. False if the session was lost: the response tells nothing else then. */
  note(response: FetchResponse): boolean {
    if (SESSION_ERRORS.has(response.errorCode)) {
      this.reset();
      return false;
    }
    if (response.errorCode === 0) {
      this.#id = response.sessionId;
      this.#epoch = response.sessionId === 0 ? 0 : this.#epoch === LAST_EPOCH ? 1 : this.#epoch + 1;
    }
    return true;
  }

  /** A request got no answer: nobody knows what the broker made of it. */
  reset(): void {
    this.#id = 0;
    this.#epoch = 0;
  }
}
