import { CACHE_DIR } from './cache-dir.ts';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findJava } from '../../infra/kafka/parts/find-java.ts';
import { installParts } from '../../infra/kafka/parts/install-parts.ts';
import { silentProgress } from '../../runtime/progress.ts';

/** Reads `count` records of a topic with Kafka's own console consumer; returns its lines: time, partition, offset, headers, key. */
export async function consoleConsume(
  brokers: string,
  topic: string,
  count: number,
): Promise<readonly string[]> {
  const cacheDir = CACHE_DIR;
  const java = await findJava({ env: process.env, cacheDir, progress: silentProgress });
  const parts = await installParts({ cacheDir, java, env: process.env, progress: silentProgress });
  const printed = ['timestamp', 'partition', 'offset', 'headers', 'key'].map((what) => `print.${what}=true`);
  const properties = [...printed, 'print.value=false'];
  const { stdout } = await promisify(execFile)(
    java.path,
    [
      '-cp',
      parts.kafkaClasspath,
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      '--bootstrap-server',
      brokers,
      '--topic',
      topic,
      '--from-beginning',
      '--max-messages',
      String(count),
      '--timeout-ms',
      '20000',
      ...properties.flatMap((property) => ['--property', property]),
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return stdout.split('\n').filter((line) => line !== '');
}
