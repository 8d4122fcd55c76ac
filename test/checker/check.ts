import type { Evidence, Rule, Violation } from './evidence.ts';
import { clocks } from './rules/clocks.ts';
import { honestStream } from './rules/honest-stream.ts';
import { isolation } from './rules/isolation.ts';
import { keptByBroker } from './rules/kept-by-broker.ts';
import { noLostMessage } from './rules/no-lost-message.ts';
import { noSecretsLogged } from './rules/no-secrets-logged.ts';
import { order } from './rules/order.ts';
import { poison } from './rules/poison.ts';
import { projectionIsFold } from './rules/projection-is-fold.ts';
import { resume } from './rules/resume.ts';
import { safeRetry } from './rules/safe-retry.ts';
import { spend } from './rules/spend.ts';

/** One rule per promise that can be seen from outside. */
export const rules: readonly Rule[] = [
  noLostMessage,
  safeRetry,
  honestStream,
  resume,
  projectionIsFold,
  poison,
  order,
  isolation,
  noSecretsLogged,
  keptByBroker,
  spend,
  clocks,
];

/** Holds the evidence of a run against every rule; none violated means the promises held in this run. */
export function checkEvidence(evidence: Evidence): readonly Violation[] {
  return rules.flatMap(({ promise, check }) =>
    check(evidence).map((sentence) => ({ rule: promise, sentence })),
  );
}
