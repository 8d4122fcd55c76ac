import type { Evidence, Rule } from '../evidence.ts';
import { endsOf } from '../read-log.ts';

export const noLostMessage: Rule = {
  promise: 'P1',
  says: 'what was accepted is on the log and has one effective end, which the client was told',
  check,
};

function check({ messages, log }: Evidence): readonly string[] {
  const problems: string[] = [];
  const submitted = new Set(
    log.conversations.flatMap((event) => (event.type === 'MessageSubmitted' ? [event.data.inferenceId] : [])),
  );
  const rejected = new Set(
    log.conversations.flatMap((event) => (event.type === 'MessageRejected' ? [event.data.inferenceId] : [])),
  );
  const ends = endsOf(log.conversations);
  const measured = new Map<string, Set<string>>();
  for (const event of log.turns) {
    if (event.type !== 'TurnMeasured') continue;
    const { inferenceId, eventId } = event.data;
    measured.set(inferenceId, (measured.get(inferenceId) ?? new Set()).add(eventId));
  }
  for (const message of messages) {
    const { inferenceId } = message;
    if (message.submission !== 'accepted') continue;
    if (inferenceId === null) {
      problems.push(`${message.key}: accepted without an id`);
      continue;
    }
    const name = `${message.key} (${inferenceId})`;
    if (!submitted.has(inferenceId)) problems.push(`${name}: accepted, but not on the log`);
    if (!ends.has(inferenceId) && !rejected.has(inferenceId)) problems.push(`${name}: has no effective end`);
    if (message.outcome === null) problems.push(`${name}: its client was never told the end`);
    const turns = measured.get(inferenceId)?.size ?? 0;
    if (turns !== 1) problems.push(`${name}: measured ${turns} times`);
  }
  return problems;
}
