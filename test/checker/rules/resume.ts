import type { Evidence, Rule } from '../evidence.ts';

export const resume: Rule = {
  promise: 'P4',
  says: 'a connection that was opened with a cursor begins with what follows it',
  check: ({ messages }: Evidence) =>
    messages.flatMap(({ key, frames }) =>
      [...Map.groupBy(frames, ({ connection }) => connection)].flatMap(([connection, group]) => {
        const first = group.find(({ seq }) => seq !== null);
        if (first === undefined || first.seq === first.after + 1) return [];
        return [`${key}: connection ${connection} resumed after ${first.after} and began with ${first.seq}`];
      }),
    ),
};
