import { hostname } from 'node:os';
import type { Config } from '../runtime/config.ts';
import { StenoError } from '../runtime/errors.ts';
import { partitionOf } from '../streams/partition.ts';

/** The configured partition, else one by hash of what stays the same over restarts. Throws StenoError `bad_config`. */
export function replyPartitionOf(config: Config, partitions: number): number {
  const chosen = config.replyPartition ?? partitionOf(`${hostname()}:${config.port}`, partitions);
  if (chosen < partitions) return chosen;
  throw new StenoError(
    'bad_config',
    `STENO_REPLY_PARTITION is ${chosen}, the topic has ${partitions} partitions`,
    { fix: `set it below ${partitions}` },
  );
}
