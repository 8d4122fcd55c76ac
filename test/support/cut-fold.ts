import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ProjectionDefinition } from '../../projections/projection.ts';
import { hashOf } from '../../projections/state-hash.ts';
import { openGenerationStore } from '../../storage/sqlite/generations.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import type { FoldingTask } from './folding-child.ts';
import { seededRandom } from './random.ts';

const PROGRAM = fileURLToPath(new URL('./folding-child.ts', import.meta.url));

export type CutFoldOptions = {
  readonly definition: ProjectionDefinition;
  /** Settings that name broker, registry and prefix. */
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  /** The whole log of the projection's topic, in log order per partition. */
  readonly log: readonly LoggedEvent[];
  /** Next offset of each partition. */
  readonly ends: readonly number[];
  readonly cuts: number;
  /** Decides where. */
  readonly seed: number;
  readonly mostEvents: number;
  readonly threads: number;
  readonly onCut?: (text: string) => void;
};

/**
 * Folds the log with as many kills (SIGKILL) as asked for, each after a random number of records, and checks after every
 * one, and at the end, that the rows are what the log up to the stored positions folds to. Returns how many records the
 * fold had passed at each kill.
 */
export async function foldWithCuts(options: CutFoldOptions): Promise<readonly number[]> {
  const { definition, cuts, log, ends } = options;
  const random = seededRandom(options.seed);
  const total = ends.reduce((sum, end) => sum + end, 0);
  const places = Array.from({ length: cuts }, () => random.between(1, total - 1)).sort((a, b) => a - b);
  const passed: number[] = [];
  for (const place of places) {
    await run(options, Math.max(1, place - passedBy(options)));
    passed.push(check(options));
    options.onCut?.(`killed at ${passed.at(-1)} of ${total}: the rows are the fold of the log up to there`);
  }
  await run(options, null);
  assert.equal(check(options), total, 'the fold did not reach the end');
  assert.equal(stateOf(options).hash, definition.foldHash(log));
  return passed;
}

/** Runs the program until it ends, or kills it once it told of so many records. */
async function run(options: CutFoldOptions, killAfter: number | null): Promise<void> {
  const { env, folder, definition, ends, mostEvents, threads } = options;
  const task: FoldingTask = {
    env,
    folder,
    projection: definition.name,
    until: [...ends.entries()],
    mostEvents,
    threads,
  };
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let told = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    told += Number(line);
    if (killAfter !== null && told >= killAfter) child.kill('SIGKILL');
  }
  await exited;
  if (killAfter === null) assert.equal(child.exitCode, 0, 'the folding program failed');
}

/** Compares the rows with the fold of what lies before the stored positions. Returns how many records that are. */
function check(options: CutFoldOptions): number {
  const { definition, log } = options;
  const { positions, hash } = stateOf(options);
  const before = log.filter(({ partition, offset }) => offset < (positions.get(partition) ?? 0));
  assert.equal(
    hash,
    definition.foldHash(before),
    'the rows are not what the log up to their positions folds to',
  );
  return sum(positions);
}

function passedBy(options: CutFoldOptions): number {
  return sum(stateOf(options).positions);
}

function stateOf({ definition, folder }: CutFoldOptions): {
  readonly positions: ReadonlyMap<number, number>;
  readonly hash: string;
} {
  const database = openGenerationStore(folder).of(definition.name, definition.version).open(1);
  try {
    const projection = definition.open(database);
    const positions = [...projection.positions.all()].map(
      ([partition, { next }]) => [partition, next] as const,
    );
    return { positions: new Map(positions), hash: hashOf(projection.lines(null)) };
  } finally {
    database.close();
  }
}

function sum(positions: ReadonlyMap<number, number>): number {
  return [...positions.values()].reduce((total, next) => total + next, 0);
}
