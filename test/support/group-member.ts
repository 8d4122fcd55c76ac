import { openKafkaLog } from '../../streams/kafka/open-log.ts';
import type { KafkaOptions } from '../../streams/kafka/connection.ts';

/**
 * A program: joins a group and prints a line for everything it is told, so that a test can kill or suspend a member.
 * Arguments: Kafka options as JSON, group, topic.
 */
const [options = '{}', group = '', topic = ''] = process.argv.slice(2);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

// Written by the test that starts this program.
const log = await openKafkaLog(JSON.parse(options) as KafkaOptions);
const member = await log.join({
  group,
  topics: [topic],
  onAssigned: (partitions) => print(`assigned ${partitions.length}`),
  onRevoked: (partitions) => print(`revoked ${partitions.length}`),
  onFailure: () => print('failed'),
});
let fresh = true;
setInterval(() => {
  if (member.isFresh() === fresh) return;
  fresh = !fresh;
  print(fresh ? 'fresh' : 'stale');
}, 5);
