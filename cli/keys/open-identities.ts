import { userInfo } from 'node:os';
import type { OpenIdentities } from '../../gateway/identity/change-identities.ts';
import { readKeyPepper } from '../../gateway/secrets.ts';
import { createDirectory } from '../../policies/identity/directory.ts';
import { parseConfig } from '../../runtime/config.ts';
import { processEnvironment } from '../../runtime/environment.ts';
import { readVersion } from '../../runtime/version.ts';
import { connectRegistry } from '../../schemas/registry.ts';
import { openEventLog } from '../../streams/event-log.ts';
import { openKafkaLog } from '../../streams/kafka/open-log.ts';
import { followTopics } from '../../streams/runner/follow-topics.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { clusterOf, findInstallation } from '../installation.ts';
import { kafkaOptions } from '../kafka-options.ts';
import { checkRegistry } from '../up/check-external.ts';

/** Those of an installation. */
export type InstalledIdentities = OpenIdentities & {
  /** Who changes something here, for the record. */
  readonly actor: string;
  readonly close: () => Promise<void>;
};

/** Runs `work` with those of what runs over the data directory, or of what is configured. Throws StenoError `not_running`. */
export async function withIdentities(
  work: (open: InstalledIdentities) => Promise<void> | void,
): Promise<void> {
  const open = await openIdentities();
  try {
    await work(open);
  } finally {
    await open.close();
  }
}

async function openIdentities(): Promise<InstalledIdentities> {
  const config = parseConfig(processEnvironment());
  const installation = await findInstallation(config);
  const { brokers, registryUrl } = clusterOf(installation);
  const { auth } = config.registry;
  const topic = topicName(installation.topicPrefix, datasets.identities);
  const log = await openKafkaLog(kafkaOptions(installation.config, brokers));
  try {
    await checkRegistry(registryUrl, auth);
    const registry = connectRegistry(registryUrl, auth);
    const events = await openEventLog(log, registry, registryUrl, [
      { name: topic, dataset: datasets.identities },
    ]);
    const directory = createDirectory();
    const failures: unknown[] = [];
    const follower = await followTopics(events, [topic], {
      name: 'identities',
      onEvent: (event) => directory.apply(event),
      onPoison: () => undefined,
      onFailure: (error) => failures.push(error),
    });
    await follower.stop();
    if (failures.length > 0) throw failures[0];
    return {
      directory,
      pepper: readKeyPepper(config),
      producer: { service: 'cli', version: readVersion() },
      actor: `cli:${userInfo().username}`,
      async append(event) {
        const appender = events.openAppender('identities');
        await appender.append([{ ...event, topic, key: event.data.tenantId, partition: null }]);
        await appender.close();
      },
      close: () => log.close(),
    };
  } catch (error) {
    await log.close();
    throw error;
  }
}
