import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../runtime/replace-file.ts';

const mark = z.object({ pid: z.int().min(1), started: z.string().nullable() });

const runState = z.object({
  supervisor: mark,
  phase: z.enum(['starting', 'ready', 'stopping']),
  startedAt: z.string(),
  dataDir: z.string(),
  topicPrefix: z.string(),
  model: z.string(),
  /** `pid` is null where the part is not ours. */
  kafka: z.object({ brokers: z.array(z.string()).min(1), pid: z.int().nullable() }).nullable(),
  registry: z.object({ url: z.string(), pid: z.int().nullable() }).nullable(),
  roles: z.array(
    z.object({
      name: z.string(),
      process: mark.nullable(),
      state: z.enum(['starting', 'ready', 'waiting', 'stopped']),
      address: z.string().nullable(),
      health: z.string().nullable(),
      restarts: z.int(),
    }),
  ),
});

/** What `steno up` tells other commands about itself while it runs. It holds no secrets. */
export type RunState = Readonly<z.infer<typeof runState>>;
export type RoleState = RunState['roles'][number];

const FILE = 'run.json';

/** The state of the supervisor over a data directory; null if there is none. It may be of one that was killed. */
export async function readRunState(dataDir: string): Promise<RunState | null> {
  try {
    return runState.parse(JSON.parse(await readFile(join(dataDir, FILE), 'utf8')));
  } catch {
    // Absent, or of another version of this program: nothing that could be spoken to.
    return null;
  }
}

/** Writes the state so that a reader sees the old one or the new one, never a part. */
export async function writeRunState(state: RunState): Promise<void> {
  replaceFile(join(state.dataDir, FILE), `${JSON.stringify(state, null, 2)}\n`);
}

export function removeRunState(dataDir: string): void {
  rmSync(join(dataDir, FILE), { force: true });
}
