import type { Evidence, RecordAgain } from '../../checker/evidence.ts';
import { consoleConsume } from '../../support/console-consumer.ts';
import { topicsOf } from './gather.ts';
import type { Stage } from './stage.ts';

/** Reads with Kafka's console consumer, from their first records, the topics that the runs read for ever-kept facts. */
export async function readAgain(stage: Stage, runs: readonly Evidence[]): Promise<readonly RecordAgain[]> {
  const topics = topicsOf(stage.prefix);
  const found: RecordAgain[] = [];
  for (const topic of [...topics.conversations, ...topics.turns]) {
    const read = runs
      .flatMap(({ log }) => [...log.conversations, ...log.turns])
      .filter((event) => event.topic === topic);
    const poisoned = runs.flatMap(({ poison }) => poison).filter((record) => record.topic === topic);
    const lines = await consoleConsume(stage.brokers, topic, read.length + poisoned.length);
    for (const line of lines) found.push(recordOf(topic, line));
  }
  return found;
}

/** A line such as `LogAppendTime:17… Partition:3 Offset:5 ce_type:steno.events.X,… key`, its fields parted by tabs. */
function recordOf(topic: string, line: string): RecordAgain {
  const field = (name: string): string => new RegExp(`(?:^|\\t)${name}:(\\S+)`).exec(line)?.[1] ?? '';
  return {
    topic,
    partition: Number(field('Partition')),
    offset: Number(field('Offset')),
    key: line.slice(line.lastIndexOf('\t') + 1),
    type: /ce_type:steno\.events\.(\w+)/.exec(line)?.[1] ?? '',
    time: Number(field('LogAppendTime')),
  };
}
