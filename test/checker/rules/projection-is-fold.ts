import type { Evidence, Rule } from '../evidence.ts';
import { endsOf } from '../read-log.ts';

export const projectionIsFold: Rule = {
  promise: 'P5',
  says: 'the read model shows of every answer what the log says',
  check,
};

function check({ log, rows }: Evidence): readonly string[] {
  const byId = new Map(rows.map((row) => [row.inferenceId, row]));
  return [...endsOf(log.conversations)].flatMap(([inferenceId, end]) => {
    const row = byId.get(inferenceId);
    if (row === undefined) return [`${inferenceId}: ended, and the read model does not know it`];
    if (row.status !== end.outcome)
      return [`${inferenceId}: ${end.outcome} on the log, ${row.status} in the read model`];
    return (row.text ?? '') === end.text ? [] : [`${inferenceId}: the read model has another text`];
  });
}
