import { randomUUID } from 'node:crypto';
import { canonicalJson, diffOf } from '../../policies/configuration/diff.ts';
import {
  createConfigHistory,
  versionBefore,
  type ConfigEntry,
  type ConfigHistory,
} from '../../policies/configuration/history.ts';
import type { ConfigKind, EventMap, Producer } from '../../schemas/generated/types.ts';
import { envelope } from '../../streams/event.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { sha256 } from '../../streams/ids.ts';
import { followTopics } from '../../streams/runner/follow-topics.ts';
import { refuse } from '../problems.ts';

/** A change that somebody wants. */
export type ConfigOrder = {
  readonly kind: Exclude<ConfigKind, 'OTHER'>;
  /** The whole configuration. */
  readonly document: unknown;
  /** Who does it, for the record. */
  readonly actor: string;
  readonly reason: string;
  /** The version that is in force again. */
  readonly restores?: string | null;
};

/** The configuration on the log. */
export interface Configuration {
  readonly history: ConfigHistory;
  /**
   * Changes it; resolves when the log has the change and it holds. Throws `invalid_request` where nothing would be
   * different, `config_conflict` where somebody else was faster.
   */
  change(order: ConfigOrder): Promise<ConfigEntry>;
  stop(): Promise<void>;
}

/** How long a change may take to come back from the log. */
const CHANGE_MS = 15_000;

/** Opens it; resolves when everything that was said until now is known. Throws as Follower.add does. */
export async function openConfiguration(options: {
  readonly events: EventLog;
  readonly topic: string;
  readonly producer: Producer;
  /** A change that holds, once for each; in log order. */
  readonly onChange: (entry: ConfigEntry) => void;
  readonly onPoison: () => void;
  readonly onFailure: (error: unknown) => void;
}): Promise<Configuration> {
  const { events, topic, producer } = options;
  const history = createConfigHistory();
  const waiting = new Map<string, (entry: ConfigEntry) => void>();
  const follower = await followTopics(events, [topic], {
    name: 'configuration',
    onEvent(event) {
      const entry = history.apply(event);
      if (entry === null) return;
      if (entry.holds) options.onChange(entry);
      waiting.get(entry.eventId)?.(entry);
    },
    onPoison: options.onPoison,
    onFailure: options.onFailure,
  });
  const appender = events.openAppender('configuration');

  return {
    history,
    async change(order) {
      const data = changeOf(history, order, producer);
      const seen = new Promise<ConfigEntry>((resolve, reject) => {
        waiting.set(data.eventId, resolve);
        const late = refuse('unavailable', 'the change did not come back from the log in time', {
          fix: 'read the history before you repeat it',
        });
        setTimeout(() => reject(late), CHANGE_MS).unref();
      });
      try {
        await appender.append([{ type: 'ConfigChanged', data, topic, key: data.kind, partition: null }]);
        const entry = await seen;
        if (entry.holds) return entry;
      } finally {
        seen.catch(() => undefined);
        waiting.delete(data.eventId);
      }
      throw refuse('config_conflict', 'somebody else changed the configuration first', {
        fix: 'look at what holds now, and change that',
      });
    },
    async stop() {
      await follower.stop();
      await appender.close();
    },
  };
}

/** Returns the event of a change. Throws `invalid_request` where nothing would be different. */
export function changeOf(
  history: Pick<ConfigHistory, 'current'>,
  { kind, document: value, actor, reason, restores = null }: ConfigOrder,
  producer: Producer,
): EventMap['ConfigChanged'] {
  const current = history.current(kind);
  const document = canonicalJson(value);
  const changes = diffOf(current === null ? undefined : JSON.parse(current.document), JSON.parse(document));
  if (changes.length === 0)
    throw refuse('invalid_request', 'nothing would be different', { fix: 'change something' });
  // Each change is a cause of its own: nothing made it but a person, or a rule.
  const command = `cmd_${randomUUID()}`;
  return {
    ...envelope({ eventId: command, correlationId: command, tenantId: '' }, 'config', producer, Date.now()),
    ...{ actor, kind, document, changes: [...changes], reason, restores },
    version: versionOf(document),
    replaces: current?.version ?? null,
  };
}

/** A change as people and programs are told of it: everything but the document. */
export function entryJson({ at, ...entry }: ConfigEntry): object {
  const { kind, version, replaces, actor, reason, restores, holds, changes } = entry;
  return { kind, version, replaces, at: new Date(at).toISOString(), actor, reason, restores, holds, changes };
}

export function versionOf(document: string): string {
  return sha256(document).slice(0, 16);
}

/** Returns the change that a rollback is. Throws `not_found` where there is no such version to go back to. */
export function rollbackOf(
  history: ConfigHistory,
  named: string | null,
  actor: string,
  reason: string | null,
): ConfigOrder {
  const found = versionBefore(history, 'routes', named);
  if (found === null) {
    const what = named === null ? 'no version before this one' : `no one version ${named}`;
    throw refuse('not_found', `the routes have ${what}`, { fix: 'look at the history' });
  }
  const { version, document } = found;
  const why = reason ?? `back to ${version}`;
  return { kind: 'routes', document: JSON.parse(document) as unknown, actor, reason: why, restores: version };
}
