import type { Evidence, Violation } from '../../checker/evidence.ts';
import type { Injected } from './inject.ts';
import { nameOf } from './plan.ts';
import type { Point } from './points.ts';

/** What a campaign has done so far. */
export type Totals = {
  readonly rounds: number;
  readonly streams: number;
  readonly accepted: number;
  readonly events: number;
  readonly resumes: number;
  readonly violations: number;
  /** How often each fault happened, by its name. */
  readonly faults: Readonly<Record<string, number>>;
};

export const emptyTotals: Totals = {
  ...{ rounds: 0, streams: 0, accepted: 0, events: 0, resumes: 0, violations: 0 },
  faults: {},
};

export function addRound(
  totals: Totals,
  { messages, log }: Evidence,
  injected: readonly Injected[],
  violations: readonly Violation[],
): Totals {
  const faults = { ...totals.faults };
  for (const { fault, fired } of injected) {
    if (fired) faults[nameOf(fault)] = (faults[nameOf(fault)] ?? 0) + 1;
  }
  const connections = messages.map(({ frames }) => new Set(frames.map(({ connection }) => connection)).size);
  return {
    rounds: totals.rounds + 1,
    streams: totals.streams + messages.length,
    accepted: totals.accepted + messages.filter(({ submission }) => submission === 'accepted').length,
    events: totals.events + Object.values(log).reduce((sum, events) => sum + events.length, 0),
    resumes: totals.resumes + connections.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
    violations: totals.violations + violations.length,
    faults,
  };
}

export function renderTotals(seed: number, totals: Totals, points: readonly Point[]): string {
  const { rounds, streams, accepted, events, resumes, violations, faults } = totals;
  const injected = Object.values(faults).reduce((sum, count) => sum + count, 0);
  const missing = points.map(({ name }) => `killed ${name}`).filter((name) => (faults[name] ?? 0) < 10);
  return [
    '',
    `seed ${seed}: ${rounds} rounds, ${injected} faults injected, ${streams} streams checked (${accepted} accepted, ${resumes} resumes), ${events} events read, ${violations} violations`,
    ...Object.entries(faults)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `  ${String(count).padStart(5)}  ${name}`),
    ...(missing.length === 0 ? [] : [`met fewer than 10 times: ${missing.join('; ')}`]),
    '',
  ].join('\n');
}
