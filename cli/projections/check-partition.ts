import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foldLog } from '../../projections/fold-log.ts';
import type { ProjectionDefinition } from '../../projections/projection.ts';
import { hashOf } from '../../projections/state-hash.ts';
import { StenoError } from '../../runtime/errors.ts';
import { openDatabase } from '../../storage/sqlite/open-database.ts';
import { topicName } from '../../streams/topics.ts';
import type { OpenInstallation } from './open-installation.ts';
import { createRebuildProgress } from './rebuild-progress.ts';

/**
 * Folds one partition anew into a database that is thrown away, and compares it with the rows in use at the same offset.
 * Returns true if they differ.
 */
export async function checkPartition(
  { config, events, store }: OpenInstallation,
  definition: ProjectionDefinition,
  partition: number,
  { signal, say }: { readonly signal: AbortSignal; readonly say: (line: string) => void },
): Promise<boolean> {
  const topic = topicName(config.topicPrefix, definition.dataset);
  const generations = store.of(definition.name, definition.version);
  const generation = generations.current();
  if (!generations.exists(generation)) throw notBuilt(definition, partition);
  const used = generations.openReader(generation);
  const folder = await mkdtemp(join(tmpdir(), 'steno-check-'));
  const scratch = openDatabase(join(folder, 'scratch.db'));
  try {
    const inUse = definition.open(used);
    const before = used.snapshot(() => ({
      position: inUse.positions.read(partition),
      hash: hashOf(inUse.lines(partition)),
    }));
    if (before.position === null) throw notBuilt(definition, partition);
    const end = before.position.next;
    const projection = definition.open(scratch, { alone: true });
    const progress = createRebuildProgress(end, say);
    const { folded, skipped } = await foldLog({
      events,
      topic,
      projection,
      unread: definition.unread,
      database: scratch,
      until: new Map([[partition, end]]),
      signal,
      onProgress: (records) => progress.add(records),
    });
    const hash = hashOf(projection.lines(partition));
    say(`partition ${partition} up to offset ${end}: ${folded} events folded, ${skipped} left out`);
    say(
      hash === before.hash
        ? `the rows in use are what the log says: ${hash}`
        : 'the rows in use are NOT what the log says:',
    );
    if (hash !== before.hash) {
      say(`  in use   ${before.hash}`);
      say(`  rebuilt  ${hash}`);
      say(`steno projections rebuild ${definition.name} puts right ones in their place`);
    }
    return hash !== before.hash;
  } finally {
    scratch.close();
    used.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function notBuilt({ name }: ProjectionDefinition, partition: number): StenoError {
  return new StenoError('not_built', `no rows of ${name} were folded from partition ${partition} yet`, {
    fix: 'start the projections role, or rebuild the whole read model',
  });
}
