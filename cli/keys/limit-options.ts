import { InvalidArgumentError, type Command } from 'commander';
import type { Limits } from '../../schemas/generated/types.ts';
import { wholeNumber } from '../option-values.ts';

export type LimitFlags = {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly concurrentStreams?: number;
  readonly spendPerDay?: number;
  readonly spendPerMonth?: number;
};

/** Adds the options that set limits. */
export function limitOptions(command: Command): Command {
  return command
    .option('--requests-per-minute <n>', 'messages let in per minute', wholeNumber(0))
    .option('--tokens-per-minute <n>', 'tokens of prompts and answers together', wholeNumber(0))
    .option('--concurrent-streams <n>', 'answers under way at once', wholeNumber(0))
    .option('--spend-per-day <amount>', 'money per UTC day, in the currency of the default model', amount)
    .option('--spend-per-month <amount>', 'money per UTC month', amount);
}

/** Returns what the options say; null where they say nothing. */
export function limitsOf(flags: LimitFlags): Limits | null {
  const { requestsPerMinute, tokensPerMinute, concurrentStreams, spendPerDay, spendPerMonth } = flags;
  const limits: Limits = {
    requestsPerMinute: requestsPerMinute ?? null,
    tokensPerMinute: tokensPerMinute ?? null,
    concurrentStreams: concurrentStreams ?? null,
    spendPerDayNanos: nanosOf(spendPerDay),
    spendPerMonthNanos: nanosOf(spendPerMonth),
  };
  return Object.values(limits).every((limit) => limit === null) ? null : limits;
}

/** Writes limits as a person reads them. */
export function limitsText(limits: Limits | null): string {
  if (limits === null) return '-';
  const { requestsPerMinute, tokensPerMinute, concurrentStreams, spendPerDayNanos, spendPerMonthNanos } =
    limits;
  const parts = [
    [requestsPerMinute, 'requests/min'],
    [tokensPerMinute, 'tokens/min'],
    [concurrentStreams, 'streams'],
    [spendPerDayNanos === null ? null : spendPerDayNanos / 1e9, 'a day'],
    [spendPerMonthNanos === null ? null : spendPerMonthNanos / 1e9, 'a month'],
  ] as const;
  return parts.flatMap(([limit, name]) => (limit === null ? [] : [`${limit} ${name}`])).join(', ');
}

function nanosOf(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1e9);
}

function amount(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value <= 1e6) return value;
  throw new InvalidArgumentError('It must be an amount such as 20 or 0.50, at most a million.');
}
