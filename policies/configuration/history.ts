import type { AnyEvent, ConfigKind, EventMap } from '../../schemas/generated/types.ts';

/** A change as the log has it. */
export type ConfigEntry = EventMap['ConfigChanged'] & {
  /** Milliseconds since 1970, by the broker. */
  readonly at: number;
  /** False where somebody else had changed it first: then it changed nothing. */
  readonly holds: boolean;
};

/** Every version of the configuration, as its log tells it. */
export interface ConfigHistory {
  /** What holds now; null where nothing was said yet. */
  current(kind: ConfigKind): ConfigEntry | null;
  /** Oldest first. */
  entries(): readonly ConfigEntry[];
  /** Folds one event; returns it with whether it holds, null for other events and for a repeat. */
  apply(event: AnyEvent & { readonly time: number }): ConfigEntry | null;
}

/**
 * Two who change the same version at once: the first on the log holds, whoever reads it. So nobody needs a lock, and
 * nobody undoes what another did without having seen it.
 */
export function createConfigHistory(): ConfigHistory {
  const all: ConfigEntry[] = [];
  const known = new Set<string>();
  const holding = new Map<ConfigKind, ConfigEntry>();
  return {
    current: (kind) => holding.get(kind) ?? null,
    entries: () => all,
    apply(event) {
      if (event.type !== 'ConfigChanged' || known.has(event.data.eventId)) return null;
      const { data } = event;
      known.add(data.eventId);
      const holds = data.replaces === (holding.get(data.kind)?.version ?? null);
      const entry: ConfigEntry = { ...data, at: event.time, holds };
      all.push(entry);
      if (holds) holding.set(data.kind, entry);
      return entry;
    },
  };
}

/**
 * Returns the version that a rollback goes back to: the one that is named by its first digits, else the one before the
 * one that holds. Null where there is none, or where the digits fit more than one.
 */
export function versionBefore(
  history: Pick<ConfigHistory, 'entries' | 'current'>,
  kind: ConfigKind,
  named: string | null,
): ConfigEntry | null {
  const current = history.current(kind);
  const held = history.entries().filter((entry) => entry.kind === kind && entry.holds);
  if (named === null) return held.findLast(({ version }) => version === current?.replaces) ?? null;
  const found = held.filter(({ version }) => named !== '' && version.startsWith(named));
  return new Set(found.map(({ version }) => version)).size === 1 ? (found.at(-1) ?? null) : null;
}
