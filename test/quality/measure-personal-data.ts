import { findPersonal, PERSONAL_KINDS } from '../../policies/personal-data/recognise.ts';
import { readLabelledSpans, type LabelledText } from './labelled-spans.ts';
import { nothingCounted, plus, type Counts } from './score.ts';

const TEXTS = new URL('pii.txt', import.meta.url);
const KINDS = new Set(PERSONAL_KINDS);

/** Returns how well each kind of personal data is found in the held-out half, and in all of it last. */
export function measurePersonalData(): {
  /** All that are labelled. */
  readonly texts: number;
  readonly byKind: readonly (readonly [string, Counts])[];
} {
  const texts = readLabelledSpans(TEXTS);
  const heldOut = texts.filter(({ isHeldOut }) => isHeldOut);
  const byKind = PERSONAL_KINDS.map(
    (kind) => [kind, heldOut.map((text) => countsOf(text, kind)).reduce(plus, nothingCounted)] as const,
  );
  const all = byKind.map(([, counts]) => counts).reduce(plus, nothingCounted);
  return { texts: texts.length, byKind: [...byKind, ['all', all]] };
}

function countsOf({ text, spans }: LabelledText, kind: string): Counts {
  const marked = new Set(spans.filter((span) => span.kind === kind).map(nameOf));
  const found = findPersonal(text, KINDS).filter((finding) => finding.kind === kind);
  const right = found.filter((finding) => marked.has(nameOf(finding))).length;
  return { found: right, wrong: found.length - right, missed: marked.size - right };
}

function nameOf({ start, end }: { readonly start: number; readonly end: number }): string {
  return `${start}-${end}`;
}
