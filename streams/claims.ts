import type { EventOf, Outcome } from '../schemas/generated/types.ts';
import type { LoggedEvent } from './event.ts';

/** What one claim of an inference used. */
export type Claim = {
  readonly claim: string;
  readonly attempt: number;
  readonly outcome: Outcome;
  /** The model that ran. */
  readonly model: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  /** In 10^-9 of the currency, which is empty where the model has no price. */
  readonly costNanos: number;
  readonly currency: string;
  /** Counted by another than the claim's owner. */
  readonly estimated: boolean;
  /** Broker time at which it was told. */
  readonly time: number;
};

export function claimOf({ data, time }: LoggedEvent<EventOf<'UsageRecorded'>>): Claim {
  const { claim, attempt, outcome, model, promptTokens, completionTokens, cachedTokens } = data;
  const { costNanos, currency, estimated } = data;
  const tokens = { promptTokens, completionTokens, cachedTokens };
  return { claim, attempt, outcome, model, ...tokens, costNanos, currency, estimated, time };
}

/**
 * Returns the claims that count after one more was told; the same array if it changes nothing. A claim counts once. What
 * its owner counted stands instead of what another estimated for the same attempt, whichever came first.
 */
export function addClaim(claims: readonly Claim[], next: Claim): readonly Claim[] {
  const isKnown = claims.some(
    ({ claim, estimated }) => claim === next.claim && (!estimated || next.estimated),
  );
  const isCounted = claims.some(({ attempt, estimated }) => attempt === next.attempt && !estimated);
  if (isKnown || (next.estimated && isCounted)) return claims;
  const stays = ({ claim, attempt, estimated }: Claim): boolean =>
    claim !== next.claim && (next.estimated || !estimated || attempt !== next.attempt);
  return [...claims.filter(stays), next];
}
