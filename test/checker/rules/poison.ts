import type { Evidence, PoisonRecord, Rule } from '../evidence.ts';

export const poison: Rule = {
  promise: 'P7',
  says: 'what cannot be decoded is set aside once a group with its own bytes, and nothing else is',
  check,
};

function check({ poison: injected, poisonBefore, deadLetters }: Evidence): readonly string[] {
  const problems: string[] = [];
  const known = new Map([...poisonBefore, ...injected].map((record) => [placeOf(record), record]));
  const seen = new Map<string, string>();
  for (const letter of deadLetters) {
    const record = known.get(placeOf(letter));
    const name = `${placeOf(letter)} of ${letter.group}`;
    if (record === undefined) problems.push(`${name}: set aside without a reason`);
    else if (record.hex !== letter.hex) problems.push(`${name}: set aside with other bytes`);
    const before = seen.get(name);
    if (before !== undefined && before !== letter.id) problems.push(`${name}: set aside twice`);
    seen.set(name, letter.id);
  }
  for (const place of injected.map(placeOf)) {
    if (![...seen.keys()].some((name) => name.startsWith(`${place} of `)))
      problems.push(`${place}: never set aside`);
  }
  return problems;
}

function placeOf({ topic, partition, offset }: PoisonRecord): string {
  return `${topic}/${partition}@${offset}`;
}
