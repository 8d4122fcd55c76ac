import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { onStopRequest } from '../cli/on-stop-request.ts';
import { errorMessage, StenoError } from '../runtime/errors.ts';
import type { TestRun } from './support/test-run.ts';
import { startTestRun } from './support/test-run.ts';

type Group = {
  readonly name: string;
  /** Whether its tests need what `startTestRun` starts. */
  readonly shared: boolean;
  readonly filesAtOnce: number;
  /** A file that takes longer is killed and has failed. */
  readonly secondsPerFile: number;
};

const fileLimit = new URL('./support/file-limit.ts', import.meta.url).href;
const cores = availableParallelism();

/** In the order they run. Where real processes share the machine, half the cores are left to them. */
const groups: readonly Group[] = [
  { name: 'unit', shared: false, filesAtOnce: cores, secondsPerFile: 60 },
  { name: 'contract', shared: false, filesAtOnce: cores, secondsPerFile: 120 },
  { name: 'integration', shared: true, filesAtOnce: Math.max(1, Math.floor(cores / 2)), secondsPerFile: 300 },
  { name: 'e2e', shared: true, filesAtOnce: 1, secondsPerFile: 600 },
];

const help = `npm test [-- <group | folder | file> ...] [--name <pattern>]

Runs ${groups.map(({ name }) => name).join(', ')} tests, in this order, or only the groups, folders and files named.

  --name <pattern>   only tests whose name matches
  --help             this text
`;

type Totals = { passed: number; failed: number; skipped: number; readonly notRun: string[] };

/** Runs the chosen tests and resolves to the exit code. */
async function main(parameters: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: parameters,
    allowPositionals: true,
    options: { name: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const chosen = choose(positionals);
  if (chosen.every(({ files }) => files.length === 0)) {
    process.stderr.write(`no test file matches: ${positionals.join(' ')}\n`);
    return 2;
  }
  const abort = new AbortController();
  onStopRequest(() => {
    abort.abort();
  });
  // A terminal that was closed must not keep the run from stopping what it started.
  process.stdout.on('error', () => undefined);
  const totals: Totals = { passed: 0, failed: 0, skipped: 0, notRun: [] };
  let testRun: TestRun | undefined;
  try {
    for (const { group, files } of chosen) {
      if (files.length === 0 || abort.signal.aborted) continue;
      process.stdout.write(`\n# ${group.name}: ${files.length} ${files.length === 1 ? 'file' : 'files'}\n`);
      if (group.shared) testRun ??= await startTestRun();
      await runGroup(group, files, {
        totals,
        env: testRun?.env ?? {},
        name: values.name,
        signal: abort.signal,
      });
    }
  } catch (error) {
    totals.failed += 1;
    const fix = error instanceof StenoError && error.fix !== undefined ? `; ${error.fix}` : '';
    process.stdout.write(`the test run broke: ${errorMessage(error)}${fix}\n`);
  } finally {
    await testRun?.stop();
  }
  for (const reason of totals.notRun) process.stdout.write(`not run: ${reason}\n`);
  process.stdout.write(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`);
  if (abort.signal.aborted) return 130;
  return totals.failed > 0 || totals.passed === 0 ? 1 : 0;
}

/** The files of each group that one of the filters names; all of them without a filter. */
function choose(filters: readonly string[]): { group: Group; files: string[] }[] {
  const wanted = filters.map((filter) =>
    groups.some(({ name }) => name === filter) ? `test/${filter}` : path.relative('.', filter),
  );
  return groups.map((group) => {
    const files = globSync(`test/${group.name}/**/*.test.ts`).sort();
    const matches = (file: string) =>
      wanted.some((prefix) => file === prefix || file.startsWith(`${prefix}/`));
    return { group, files: filters.length === 0 ? files : files.filter(matches) };
  });
}

/** Runs the files of one group in processes of their own and adds what came of them to `totals`. */
async function runGroup(
  group: Group,
  files: string[],
  options: {
    totals: Totals;
    env: Readonly<Record<string, string>>;
    name: string | undefined;
    signal: AbortSignal;
  },
): Promise<void> {
  const { totals } = options;
  const stream = run({
    files,
    concurrency: group.filesAtOnce,
    signal: options.signal,
    env: { ...process.env, ...options.env, STENO_TEST_FILE_SECONDS: String(group.secondsPerFile) },
    // Node's own time limit is for each test; the file's also ends what a finished test leaves running.
    execArgv: [`--import=${fileLimit}`],
    ...(options.name === undefined ? {} : { testNamePatterns: options.name }),
  });
  stream.on('test:pass', ({ name, file, skip, todo }) => {
    const reason = skip ?? todo;
    if (reason === undefined || reason === false) return;
    const where = file === undefined ? name : `${path.relative('.', file)}: ${name}`;
    totals.notRun.push(
      `${typeof reason === 'string' && reason !== '' ? reason : 'no reason given'} (${where})`,
    );
  });
  stream.on('test:summary', ({ file, counts }) => {
    if (file !== undefined) return;
    totals.passed += counts.passed;
    totals.failed += counts.tests - counts.passed - counts.skipped - counts.todo;
    totals.skipped += counts.skipped + counts.todo;
  });
  // Node's types leave the composed stream's chunks untyped; the reporter writes text.
  const lines = stream.compose(new spec()) as AsyncIterable<unknown>;
  for await (const line of lines) process.stdout.write(String(line));
}

process.exitCode = await main(process.argv.slice(2));
