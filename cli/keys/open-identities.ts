import type { OpenIdentities } from '../../gateway/identity/change-identities.ts';
import { readKeyPepper } from '../../gateway/secrets.ts';
import { createDirectory } from '../../policies/identity/directory.ts';
import { followTopics } from '../../streams/runner/follow-topics.ts';
import { datasets } from '../../streams/topics.ts';
import { withInstalledLog } from '../installed-log.ts';

/** Those of an installation. */
export type InstalledIdentities = OpenIdentities & {
  /** Who changes something here, for the record. */
  readonly actor: string;
};

/** Runs `work` with those of what runs over the data directory, or of what is configured. Throws StenoError `not_running`. */
export async function withIdentities(
  work: (open: InstalledIdentities) => Promise<void> | void,
): Promise<void> {
  await withInstalledLog(datasets.identities, async ({ config, events, topic, producer, actor }) => {
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
    await work({
      ...{ directory, producer, actor, pepper: readKeyPepper(config) },
      async append(event) {
        const appender = events.openAppender('identities');
        await appender.append([{ ...event, topic, key: event.data.tenantId, partition: null }]);
        await appender.close();
      },
    });
  });
}
