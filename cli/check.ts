import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { StepResult } from './check/run-steps.ts';
import { runSteps } from './check/run-steps.ts';
import { checkSteps } from './check/steps.ts';
import { onStopRequest } from './on-stop-request.ts';

const help = `npm run check [-- --fix]

Everything that can be said about the code without a broker: format, lint, types, dead exports, generated
files, unit and architecture tests. Ends with 0 when all of it holds.

  --fix    let the linter and the formatter repair what they can, first
  --help   this text
`;

/** Runs the check and resolves to the exit code. */
async function check(parameters: string[]): Promise<number> {
  const { values } = parseArgs({
    args: parameters,
    options: { fix: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const abort = new AbortController();
  onStopRequest(() => {
    abort.abort();
  });
  const started = performance.now();
  const { repairs, checks } = checkSteps({ fix: values.fix });
  const shared = { signal: abort.signal, report };
  // What a repair could not do is said again by the check of the same name.
  await runSteps(repairs, { ...shared, atOnce: 1, report: () => undefined });
  const results = await runSteps(checks, { ...shared, atOnce: Math.max(2, availableParallelism()) });
  if (abort.signal.aborted) return 130;
  const failed = results.filter((result) => !result.passed);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    `\n${results.length - failed.length} of ${results.length} checks passed in ${seconds} s\n`,
  );
  if (failed.length > 0) process.stdout.write(`failed: ${failed.map(({ name }) => name).join(', ')}\n`);
  return failed.length > 0 ? 1 : 0;
}

function report(result: StepResult): void {
  const verdict = result.passed ? 'ok  ' : 'FAIL';
  process.stdout.write(`${verdict}  ${result.name.padEnd(18)} ${result.seconds.toFixed(1).padStart(5)} s\n`);
  // What could not be looked at is said, also where the rest of it holds.
  for (const line of result.output.split('\n'))
    if (result.passed && line.includes('not run')) process.stdout.write(`      ${line}\n`);
  if (!result.passed) process.stdout.write(`\n${result.output.trimEnd()}\n\n`);
}

process.exitCode = await check(process.argv.slice(2));
