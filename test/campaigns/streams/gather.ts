import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CONVERSATIONS, openConversationQueries } from '../../../projections/conversations/queries.ts';
import { PROJECTIONS_FOLDER } from '../../../storage/generations.ts';
import { openCurrentReader } from '../../../storage/sqlite/current-reader.ts';
import { openGenerationStore } from '../../../storage/sqlite/generations.ts';
import type { EventLog } from '../../../streams/event-log.ts';
import type { LoggedEvent } from '../../../streams/event.ts';
import type { RawRecord } from '../../../streams/log.ts';
import { datasets, requestTopic, TIERS, topicName } from '../../../streams/topics.ts';
import type { AnswerRow, LogAsRead, SetAside, Witnessed } from '../../checker/evidence.ts';
import { until } from '../../support/until.ts';
import { TENANTS } from './stage.ts';

/** Offsets from which a round reads, by topic. */
export type Starts = ReadonlyMap<string, readonly number[]>;

export function topicsOf(
  prefix: string,
): Readonly<Record<keyof LogAsRead | 'deadLetters', readonly string[]>> {
  const name = (dataset: keyof typeof datasets): readonly string[] => [topicName(prefix, datasets[dataset])];
  return {
    conversations: name('conversations'),
    deltas: name('inferenceDeltas'),
    turns: name('turns'),
    requests: TIERS.map((tier) => requestTopic(prefix, 'scripted', tier)),
    deadLetters: name('deadLetters'),
  };
}

export async function positionsOf(events: EventLog, prefix: string): Promise<Starts> {
  const topics = Object.values(topicsOf(prefix)).flat();
  return new Map(
    await Promise.all(topics.map(async (topic) => [topic, await events.log.offsets(topic, 'end')] as const)),
  );
}

/** Reads what was appended since, as far as it can be decoded. */
export async function readSince(events: EventLog, prefix: string, starts: Starts): Promise<LogAsRead> {
  const topics = topicsOf(prefix);
  const read = async (names: readonly string[]): Promise<readonly LoggedEvent[]> => {
    const records = await Promise.all(names.map((topic) => readRaw(events, topic, starts.get(topic) ?? [])));
    return records.flat().flatMap((record) => decoded(events, record));
  };
  return {
    conversations: await read(topics.conversations),
    deltas: await read(topics.deltas),
    turns: await read(topics.turns),
    requests: await read(topics.requests),
  };
}

export async function readDeadLetters(
  events: EventLog,
  prefix: string,
  starts: Starts,
): Promise<readonly SetAside[]> {
  const [topic = ''] = topicsOf(prefix).deadLetters;
  return (await readRaw(events, topic, starts.get(topic) ?? [])).map((record) => {
    const header = (name: string): string =>
      record.headers.find(([key]) => key === `dead_letter_${name}`)?.[1].toString() ?? '';
    return {
      topic: header('topic'),
      partition: Number(header('partition')),
      offset: Number(header('offset')),
      group: header('group'),
      id: header('id'),
      hex: record.value?.toString('hex') ?? '',
    };
  });
}

/** Waits until the read model has folded the log to its end, then reads the answers of the messages. */
export async function readRows(
  events: EventLog,
  dataDir: string,
  prefix: string,
  messages: readonly Witnessed[],
): Promise<readonly AnswerRow[]> {
  const store = openGenerationStore(`${dataDir}/${PROJECTIONS_FOLDER}`);
  const queries = openConversationQueries(
    openCurrentReader(store.of(CONVERSATIONS.name, CONVERSATIONS.version)),
  );
  const [topic = ''] = topicsOf(prefix).conversations;
  const ends = await events.log.offsets(topic, 'end');
  await until(
    'the read model has come to the end of the log',
    () => ends.every((end, partition) => queries.position(partition) >= end),
    60_000,
  );
  return [...new Set(messages.flatMap(({ inferenceId }) => inferenceId ?? []))].flatMap((inferenceId) =>
    TENANTS.flatMap((tenant) => {
      const found = queries.findInference(tenant, inferenceId);
      return found === null ? [] : [{ tenant, inferenceId, status: found.status, text: found.text }];
    }),
  );
}

/** Lines that roles logged from a size on, by file; `sizes` is brought up to date. */
export async function readLogs(dataDir: string, sizes: Map<string, number>): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const file of (await readdir(dataDir)).filter((name) => name.endsWith('.log'))) {
    const stream = createReadStream(join(dataDir, file), { start: sizes.get(file) ?? 0 });
    for await (const line of createInterface({ input: stream })) lines.push(line);
    sizes.set(file, (sizes.get(file) ?? 0) + stream.bytesRead);
  }
  return lines;
}

function decoded(events: EventLog, record: RawRecord): readonly LoggedEvent[] {
  try {
    return [events.decode(record)];
  } catch {
    // Poison: the rule of P7 is about it.
    return [];
  }
}

async function readRaw(
  events: EventLog,
  topic: string,
  starts: readonly number[],
): Promise<readonly RawRecord[]> {
  const ends = await events.log.offsets(topic, 'end');
  const behind = new Set(
    [...ends.keys()].filter((partition) => (starts[partition] ?? 0) < (ends[partition] ?? 0)),
  );
  const found: RawRecord[] = [];
  if (behind.size === 0) return found;
  await new Promise<void>((resolve, reject) => {
    const follower = events.log.openFollower({
      name: `check-${topic}`,
      onFailure: reject,
      onBatch({ partition, records, nextOffset }) {
        const end = ends[partition] ?? 0;
        for (const record of records) if (record.offset < end) found.push(record);
        if (nextOffset >= end) behind.delete(partition);
        if (behind.size === 0) void follower.stop().then(resolve, reject);
      },
    });
    for (const partition of behind) follower.add(topic, partition, starts[partition] ?? 0).catch(reject);
  });
  return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
