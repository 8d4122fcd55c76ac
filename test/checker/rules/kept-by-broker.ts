import type { Evidence, RecordAgain, Rule } from '../evidence.ts';
import { answersOf, endsOf } from '../read-log.ts';

export const keptByBroker: Rule = {
  promise: 'P20',
  says: 'what a client was shown is on the log, and every client of Kafka reads the same log',
  check,
};

function check({ messages, log, again }: Evidence): readonly string[] {
  const problems: string[] = [];
  const answers = answersOf(log.deltas);
  const ends = endsOf(log.conversations);
  for (const { key, inferenceId, frames, transport } of messages) {
    if (inferenceId === null || transport === 'responses') continue;
    const streamed = answers.get(inferenceId);
    for (const { type, seq, text } of frames) {
      if (type !== 'delta' || seq === null) continue;
      const piece = streamed?.pieces.get(seq);
      // What follows the last delta was shown from the record.
      if (piece === undefined && ends.get(inferenceId)?.text.includes(text) === true) continue;
      if (piece !== text) problems.push(`${key}: delta ${seq} was shown and is not on the log like that`);
    }
  }
  return [...problems, ...compare(Object.values(log).flat(), again)];
}

type Read = Pick<RecordAgain, 'topic' | 'partition' | 'offset' | 'type' | 'time'>;

function compare(read: readonly Read[], again: readonly RecordAgain[]): readonly string[] {
  if (again.length === 0) return [];
  const topics = new Set(again.map(({ topic }) => topic));
  const known = new Map(again.map((record) => [placeOf(record), record]));
  const problems: string[] = [];
  for (const record of read) {
    if (!topics.has(record.topic)) continue;
    const place = placeOf(record);
    const other = known.get(place);
    known.delete(place);
    if (other === undefined) problems.push(`${place}: another client does not find it`);
    else if (other.type !== record.type || other.time !== record.time)
      problems.push(`${place}: ${record.type} at ${record.time}, elsewhere ${other.type} at ${other.time}`);
  }
  for (const [place, { type }] of known) {
    if (type !== '') problems.push(`${place}: another client finds a ${type} that we do not`);
  }
  return problems;
}

function placeOf({ topic, partition, offset }: Read): string {
  return `${topic}/${partition}@${offset}`;
}
