import { hash } from 'node:crypto';
import type { Evidence, Rule, Witnessed } from '../evidence.ts';
import { answersOf, endsOf, shownText, type RecordedEnd } from '../read-log.ts';

export const honestStream: Rule = {
  promise: 'P3',
  says: 'numbers without gap or repeat, and at the end the shown text is the recorded text',
  check,
};

function check(evidence: Evidence): readonly string[] {
  const ends = endsOf(evidence.log.conversations);
  return [
    ...evidence.messages.flatMap((message) => [...numbers(message), ...ending(message, ends)]),
    ...[...ends].flatMap(([inferenceId, end]) => record(inferenceId, end)),
    ...told(evidence, ends),
    ...[...answersOf(evidence.log.deltas)].flatMap(([inferenceId, { gapAt }]) =>
      gapAt === null ? [] : [`${inferenceId}: delta ${gapAt} lies on the log behind a gap`],
    ),
  ];
}

function numbers({ key, frames }: Witnessed): readonly string[] {
  let next = 0;
  for (const { seq, type, connection } of frames) {
    if (seq === null) continue;
    if (seq !== next) return [`${key}: ${type} ${seq} on connection ${connection} where ${next} was due`];
    next += 1;
  }
  return [];
}

function ending(message: Witnessed, ends: ReadonlyMap<string, RecordedEnd>): readonly string[] {
  const { key, outcome, inferenceId, frames } = message;
  const end = ends.get(inferenceId ?? '');
  if (outcome === null || end === undefined) return [];
  if (outcome !== end.outcome)
    return [`${key}: shown as ${outcome} (${message.code ?? 'no code'}), recorded as ${end.outcome}`];
  const shown = shownText(frames);
  if (shown === end.text) return [];
  return [`${key}: shown ${shown.length} characters, recorded ${end.text.length}: not the same`];
}

function record(inferenceId: string, end: RecordedEnd): readonly string[] {
  const problems: string[] = [];
  if (hash('sha256', end.text, 'hex') !== end.textHash) problems.push('its hash is not that of its text');
  const bytes = end.deltaBytes.reduce((sum, length) => sum + length, 0);
  if (bytes !== Buffer.byteLength(end.text)) problems.push(`its pieces have ${bytes} bytes, its text not`);
  if (end.nextSeq - end.firstSeq !== end.deltaBytes.length)
    problems.push(`its ${end.deltaBytes.length} pieces are numbered ${end.firstSeq} to ${end.nextSeq}`);
  return problems.map((problem) => `${inferenceId}: ${problem}`);
}

/** The word that ends a stream says what the record says. */
function told({ log }: Evidence, ends: ReadonlyMap<string, RecordedEnd>): readonly string[] {
  return log.deltas.flatMap((event) => {
    if (event.type !== 'InferenceEnded' || event.data.outcome === 'rejected') return [];
    const { inferenceId, outcome, textHash } = event.data;
    const end = ends.get(inferenceId);
    if (end === undefined) return [`${inferenceId}: told as ended, and nothing is recorded`];
    if (end.outcome === outcome && end.textHash === textHash) return [];
    return [`${inferenceId}: told as ${outcome}, recorded as ${end.outcome} or with another text`];
  });
}
