import type { Headroom, Left } from '../../policies/limits/ledger.ts';

/** Returns what is left of rates, in OpenAI's headers; none for a caller without them. */
export function limitHeaders({ requests, tokens }: Headroom): Readonly<Record<string, string>> {
  return { ...headersOf('requests', requests), ...headersOf('tokens', tokens) };
}

function headersOf(name: 'requests' | 'tokens', left: Left | null): Readonly<Record<string, string>> {
  if (left === null) return {};
  return {
    [`x-ratelimit-limit-${name}`]: String(left.limit),
    [`x-ratelimit-remaining-${name}`]: String(left.remaining),
    [`x-ratelimit-reset-${name}`]: durationOf(left.resetMillis),
  };
}

/** Writes a duration as OpenAI does: 12ms, 1.2s, 6m0s. */
export function durationOf(millis: number): string {
  if (millis < 1_000) return `${Math.ceil(millis)}ms`;
  if (millis < 60_000) return `${Math.ceil(millis / 10) / 100}s`;
  const seconds = Math.ceil(millis / 1_000);
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
