import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../runtime/config.ts';
import { isTerminal, type TerminalEvent } from '../../streams/effective-end.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { datasets, requestTopic, topicName } from '../../streams/topics.ts';
import { startPlatform, type Platform } from './platform.ts';
import { readTopic } from './read-topic.ts';

/** A platform whose gateway asks for keys, as OpenAI's clients expect. */
export type OpenAiPlatform = {
  readonly platform: Platform;
  /** What an SDK is given as its base address. */
  readonly baseURL: string;
  /** Keys of two tenants. */
  readonly apiKey: string;
  readonly otherKey: string;
  readonly conversations: () => Promise<readonly LoggedEvent[]>;
  /** The end of an inference on the log, if it has one. */
  readonly endOf: (inferenceId: string) => Promise<LoggedEvent<TerminalEvent> | undefined>;
  /** What is told of turns, and what guards did. */
  readonly turns: () => Promise<readonly LoggedEvent[]>;
  /** What the workers of a pool were asked. */
  readonly requests: (pool: string) => Promise<readonly LoggedEvent[]>;
  readonly stop: () => Promise<void>;
};

export async function startOpenAiPlatform(
  env: Readonly<Record<string, string>> = {},
  /** What the keys file says of tenants. */
  tenants: object = {},
): Promise<OpenAiPlatform> {
  const [apiKey, otherKey] = [`sk-${randomUUID()}`, `sk-${randomUUID()}`];
  const directory = mkdtempSync(join(tmpdir(), 'steno-keys-'));
  const keysFile = join(directory, 'keys.json');
  const digest = (key: string): string => createHash('sha256').update(key).digest('hex');
  const keys = {
    [digest(apiKey)]: { tenant: 'acme', principal: 'ann' },
    [digest(otherKey)]: { tenant: 'other', principal: 'bob' },
  };
  writeFileSync(keysFile, JSON.stringify({ keys, tenants }));
  const platform = await startPlatform({ env: { STENO_KEYS_FILE: keysFile, ...env } });
  async function read(topic: string): Promise<readonly LoggedEvent[]> {
    const events = await connectEvents(parseConfig(platform.env), 'openai-test', ['scripted', 'small']);
    try {
      return await readTopic(events, topic);
    } finally {
      await events.log.close();
    }
  }
  const conversations = (): ReturnType<typeof read> =>
    read(topicName(platform.cluster.prefix, datasets.conversations));
  return {
    platform,
    baseURL: `${platform.url()}/v1`,
    apiKey,
    otherKey,
    conversations,
    async endOf(inferenceId) {
      const ends = (await conversations()).filter((event) => isTerminal(event));
      return ends.find((event) => event.data.inferenceId === inferenceId);
    },
    turns: () => read(topicName(platform.cluster.prefix, datasets.turns)),
    requests: (pool) => read(requestTopic(platform.cluster.prefix, pool, 'interactive')),
    async stop() {
      await platform.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
