import type { Head } from '../../replay/audit/chain/seal.ts';
import type { Verdict } from '../../replay/audit/verify.ts';

const WHAT = {
  changed: 'is not the record that was sealed',
  missing: 'is missing',
  unexpected: 'was not there when it was sealed',
} as const;

/** What a verification found, for a person. `kept`: the head that the chain was compared with. */
export function renderVerdict(verdict: Verdict, kept: Head | null): string {
  const { intact, head, seals, verified, unsealed, broken, differences } = verdict;
  return [
    intact ? 'intact' : 'NOT INTACT',
    `  ${verified} records are as they were sealed, under ${seals} seals; the last is ${head.number} (${head.hash})`,
    ...(broken === null ? [] : [`  the chain: ${broken}`]),
    ...differences.map(
      ({ topic, partition, offset, kind }) => `  ${topic} ${partition}@${offset} ${WHAT[kind]}`,
    ),
    ...(unsealed === 0
      ? []
      : [`  ${unsealed} records came after the last seal: nothing can be said of them`]),
    kept === null
      ? '  no head was given: whether seals were cut off together with their records cannot be told'
      : `  compared with head ${kept.number}`,
  ].join('\n');
}
