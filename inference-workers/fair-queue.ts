/** What an order of service is made of. */
export type Claim = {
  /** 0 is served first. */
  readonly tier: number;
  readonly tenantId: string;
  /** Tokens that it will take: those of the prompt and the most of the answer. */
  readonly tokens: number;
};

type Entry<T> = { readonly claim: Claim; readonly item: T; readonly since: number };

/** How long somebody waits before it counts as one tier higher. */
const AGE_MS = 30_000;
/** What a millisecond of waiting is worth in tokens, between claims of one tenant: nobody is passed over for ever. */
const TOKENS_PER_MS = 1;

/**
 * Who is served next: by tier, a tier higher for every half minute of waiting; inside a tier the tenant that was served
 * least; inside a tenant the smallest claim, age counted. What a tenant was served is measured in tokens against a clock
 * that moves with those who are served, so that a tenant that was away saves nothing up.
 * Source: start-time fair queueing, Goyal, Vin and Cheng, 1996.
 */
export class FairQueue<T> {
  #entries: Entry<T>[] = [];
  /** By tenant, where its next claim starts. */
  readonly #starts = new Map<string, number>();
  #clock = 0;

  get size(): number {
    return this.#entries.length;
  }

  /** Those that wait in tiers before this one. */
  before(tier: number): number {
    return this.#entries.reduce((sum, { claim }) => sum + (claim.tier < tier ? 1 : 0), 0);
  }

  /** `now` in milliseconds, of a clock that never goes back. */
  add(claim: Claim, item: T, now: number): void {
    this.#entries.push({ claim, item, since: now });
  }

  remove(item: T): void {
    this.#entries = this.#entries.filter((entry) => entry.item !== item);
  }

  /** Takes the next one out, with the tier it is served in; null where nobody waits. */
  take(now: number): { readonly item: T; readonly tier: number } | null {
    let best: Entry<T> | null = null;
    for (const entry of this.#entries) if (best === null || this.#isBefore(entry, best, now)) best = entry;
    if (best === null) return null;
    const { claim, item } = best;
    this.#entries.splice(this.#entries.indexOf(best), 1);
    this.#clock = Math.max(this.#clock, this.#startOf(claim.tenantId));
    this.#starts.set(claim.tenantId, this.#clock + claim.tokens);
    if (this.#entries.length === 0) this.#forget();
    return { item, tier: tierOf(best, now) };
  }

  #isBefore(one: Entry<T>, other: Entry<T>, now: number): boolean {
    const tiers = tierOf(one, now) - tierOf(other, now);
    if (tiers !== 0) return tiers < 0;
    if (one.claim.tenantId === other.claim.tenantId) return sizeOf(one) < sizeOf(other);
    return this.#startOf(one.claim.tenantId) < this.#startOf(other.claim.tenantId);
  }

  #startOf(tenantId: string): number {
    return Math.max(this.#clock, this.#starts.get(tenantId) ?? 0);
  }

  /** Nobody waits: who was served more than others has no debts any more. */
  #forget(): void {
    this.#starts.clear();
  }
}

function tierOf({ claim, since }: Entry<unknown>, now: number): number {
  return Math.max(0, claim.tier - Math.floor((now - since) / AGE_MS));
}

/** Both of a comparison have waited to the same moment: what differs is when they came. */
function sizeOf({ claim, since }: Entry<unknown>): number {
  return claim.tokens + since * TOKENS_PER_MS;
}
