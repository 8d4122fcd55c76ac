import { Command } from 'commander';
import { configuredModels } from '../../inference-workers/models/configured-models.ts';
import { parseConfig } from '../../runtime/config.ts';
import { processEnvironment } from '../../runtime/environment.ts';
import { errorCode } from '../../runtime/errors.ts';
import { connectRegistry } from '../../schemas/registry.ts';
import { openEventLog } from '../../streams/event-log.ts';
import { openKafkaLog } from '../../streams/kafka/open-log.ts';
import type { Log } from '../../streams/log.ts';
import { partitionOf } from '../../streams/partition.ts';
import { datasets, topicName, type Topic } from '../../streams/topics.ts';
import { describeError } from '../describe-error.ts';
import { endWithReader } from '../end-with-reader.ts';
import { clusterOf, findInstallation } from '../installation.ts';
import { kafkaOptions } from '../kafka-options.ts';
import { recordLook } from '../look-at.ts';
import { onStopRequest } from '../on-stop-request.ts';
import { wholeNumber } from '../option-values.ts';
import { createTerminalProgress } from '../terminal-progress.ts';
import { checkRegistry } from '../up/check-external.ts';
import { findTopic, type FoundTopic } from './find-topic.ts';
import { recordJson, renderRecord } from './render-record.ts';
import { parseStartAt, rangesOf, type StartAt } from './start-at.ts';
import { tailTopic } from './tail-topic.ts';
import type { TailRecord } from './tail-record.ts';

type Flags = {
  readonly from: StartAt;
  readonly partition?: number;
  readonly conversation?: string;
  readonly inference?: string;
  readonly type?: string;
  readonly limit?: number;
  readonly follow: boolean;
  readonly json: boolean;
};

const HELP = `
<topic> is a dataset (conversations, turns, inference-deltas, …), a dataset of one pool and tier
(inference-requests.small.interactive), or a topic's full name. Records of one partition come in log order. The text
of messages is shown: who may read the topic may read it. Nothing is committed and nothing changes.
A record that cannot be decoded is shown with its error and size.

Examples:
  $ steno topics tail conversations
  $ steno topics tail conversations --from earliest --no-follow --conversation conv_5f0c
  $ steno topics tail turns --from 2026-01-31T12:00:00Z --type TurnMeasured --json | jq .data
  $ steno topics tail dead-letters --from earliest --no-follow

Exit status: 0 the end, the limit or Ctrl-C; 1 failed; 2 wrong usage; 3 nothing runs.
`;

/** `steno topics tail`: the records of a topic, decoded, as lines. */
export function tailCommand(): Command {
  return new Command('tail')
    .description('print the records of a topic, decoded; reads only')
    .argument('<topic>', 'what to read')
    .option('--from <where>', 'earliest, latest, an offset, or an ISO 8601 time', parseStartAt, 'latest')
    .option('--partition <n>', 'only this partition', wholeNumber(0))
    .option('--conversation <id>', 'only records of this conversation')
    .option('--inference <id>', 'only records of this inference')
    .option('--type <event>', 'only events of this type, such as InferenceCompleted')
    .option('--limit <n>', 'end after so many records', wholeNumber(1))
    .option('--no-follow', 'end at the present end of the topic')
    .option('--json', 'one JSON object a line, with headers and every field', false)
    .addHelpText('after', HELP)
    .action(async (wanted: string, flags: Flags, command: Command) => {
      const config = parseConfig(processEnvironment());
      const installation = await findInstallation(config);
      const { pools } = await configuredModels(config);
      let topic: FoundTopic;
      try {
        topic = findTopic(wanted, installation.topicPrefix, pools);
      } catch (error) {
        if (errorCode(error) !== 'unknown_topic') throw error;
        return command.error(describeError(error), { exitCode: 2 });
      }
      const { brokers, registryUrl } = clusterOf(installation);
      await checkRegistry(registryUrl, config.registry.auth);
      const log = await openKafkaLog(kafkaOptions(installation.config, brokers));
      try {
        const count = await log.partitionCount(topic.name);
        if (flags.partition !== undefined && flags.partition >= count) {
          return command.error(
            `error: ${topic.name} has the partitions 0 to ${count - 1}, not ${flags.partition}`,
          );
        }
        await tail(log, topic, partitionsOf(topic, flags, count), flags, {
          url: registryUrl,
          auth: config.registry.auth,
          audit: { name: topicName(installation.topicPrefix, datasets.audit), dataset: datasets.audit },
        });
      } finally {
        await log.close();
      }
    });
}

type RegistryAt = {
  readonly url: string;
  readonly auth: { readonly username: string; readonly password: string } | null;
  /** Where it is said that somebody looks. */
  readonly audit: Topic;
};

async function tail(
  log: Log,
  topic: FoundTopic,
  partitions: readonly number[],
  flags: Flags,
  registry: RegistryAt,
): Promise<void> {
  const stopping = new AbortController();
  onStopRequest(() => stopping.abort(), 130);
  endWithReader();
  // Every other schema is asked for by its id when it is met: also those of topics that this version does not know.
  const { url, auth, audit } = registry;
  const events = await openEventLog(log, connectRegistry(url, auth), url, [audit]);
  const { conversation, inference, type } = flags;
  const ranges = await rangesOf(log, topic.name, flags.from, partitions);
  // Raw topics show every tenant.
  await recordLook(events, audit.name, {
    ...{ tenantId: '*', correlationId: conversation ?? inference ?? topic.name, action: 'tail' },
    ...{ resource: [topic.name, conversation, inference, type].filter(Boolean).join(' '), purpose: null },
  });
  await tailTopic({
    events,
    topic: topic.name,
    ranges,
    filter: { conversation, inference, type },
    follow: flags.follow,
    limit: flags.limit ?? null,
    // Plain lines every few seconds: a live line would mix with the records.
    progress: createTerminalProgress({ write: (text) => process.stderr.write(text) }),
    signal: stopping.signal,
    onRecord: (record) => print(record, flags.json),
  });
}

/** A conversation's records lie in one partition where the key is the conversation's id. */
function partitionsOf(topic: FoundTopic, flags: Flags, count: number): readonly number[] {
  if (flags.partition !== undefined) return [flags.partition];
  if (topic.key === 'conversationId' && flags.conversation !== undefined)
    return [partitionOf(flags.conversation, count)];
  return [...Array(count).keys()];
}

function print(record: TailRecord, json: boolean): void | Promise<void> {
  const line = json ? recordJson(record) : renderRecord(record);
  if (process.stdout.write(`${line}\n`)) return;
  return new Promise((resolve) => process.stdout.once('drain', () => resolve()));
}
