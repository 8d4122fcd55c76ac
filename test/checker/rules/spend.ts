import type { Evidence, Rule } from '../evidence.ts';
import { endsOf } from '../read-log.ts';

export const spend: Rule = {
  promise: 'P21',
  says: 'usage is recorded once a claim, and of every claim that ended an answer',
  check,
};

function check({ log }: Evidence): readonly string[] {
  const byClaim = new Map<string, Set<string>>();
  for (const event of log.turns) {
    if (event.type !== 'UsageRecorded') continue;
    const { claim, eventId } = event.data;
    byClaim.set(claim, (byClaim.get(claim) ?? new Set()).add(eventId));
  }
  const doubled = [...byClaim].flatMap(([claim, ids]) =>
    ids.size > 1 ? [`${claim}: used ${ids.size} times`] : [],
  );
  const missing = [...endsOf(log.conversations)].flatMap(([inferenceId, { claim, outcome }]) =>
    outcome === 'completed' && !byClaim.has(claim)
      ? [`${inferenceId}: nobody counted what ${claim} used`]
      : [],
  );
  return [...doubled, ...missing];
}
