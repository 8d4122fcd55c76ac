import { StenoError } from '../../../runtime/errors.ts';
import type { Step } from '../../../runtime/progress.ts';
import { runCommand } from '../process/command.ts';
import type { Java } from './find-java.ts';

/** What a first installation downloads, plugins included. */
const EXPECTED_BYTES = 205e6;

const COMPLAINT_CHARS = 400;

const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/**
 * Runs one Maven phase of a pom with strict checksums, telling `step` the bytes downloaded.
 *
 * @throws StenoError `maven_missing`, or `install_failed` with Maven's own line
 */
export async function runMaven(options: {
  readonly pom: string;
  readonly phase: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly java: Java;
  readonly env: NodeJS.ProcessEnv;
  readonly step: Step;
  readonly signal?: AbortSignal | undefined;
}): Promise<void> {
  const { pom, phase, properties, java, env, step, signal } = options;
  const defines = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
  const read = downloadMeter();
  const { code, output } = await runCommand(
    'mvn',
    ['--strict-checksums', '-Dstyle.color=never', '-f', pom, ...defines, phase],
    {
      env: { ...env, JAVA_HOME: java.home },
      signal,
      onOutput: (text) => {
        const bytes = read(text);
        if (bytes > 0) step.update(Math.min(bytes, EXPECTED_BYTES), EXPECTED_BYTES);
      },
    },
  );
  signal?.throwIfAborted();
  if (code === 0) return;
  if (code === null) throw mavenMissing();
  throw new StenoError(
    'install_failed',
    `Maven could not install the broker and registry: ${mavenComplaint(output) ?? `exit code ${code}`}`,
    {
      retryable: true,
      fix: 'Check that Maven can reach its repository (network, proxy, ~/.m2/settings.xml) and start again.',
      facts: { code },
    },
  );
}

/** The innermost reason of Maven's first error line, without its advice; null when it printed none. */
export function mavenComplaint(output: string): string | null {
  const line = output.split(/[\r\n]+/).find((candidate) => candidate.startsWith('[ERROR]'));
  if (line === undefined) return null;
  const reason = line
    .slice(Math.max(line.lastIndexOf('Could not'), '[ERROR] '.length))
    .replace(/ -> \[Help \d+\].*$/, '');
  return reason.slice(0, COMPLAINT_CHARS);
}

/** Returns a function that reads Maven's output piece by piece and gives the bytes downloaded so far. */
export function downloadMeter(): (text: string) => number {
  let finished = 0;
  let running = 0;
  return (text) => {
    for (const line of text.split(/[\r\n]+/)) {
      const done = /^Downloaded from .*\(([\d.]+) ([kMG]?B) at/.exec(line);
      if (done !== null) {
        finished += bytesOf(done[1], done[2]);
        running = 0;
      } else if (line.startsWith('Progress')) {
        const parts = [...line.matchAll(/([\d.]+)\/[\d.]+ ([kMG]?B)/g)];
        running = parts.reduce((sum, part) => sum + bytesOf(part[1], part[2]), 0);
      }
    }
    return finished + running;
  };
}

function bytesOf(amount: string | undefined, unit: string | undefined): number {
  return Number(amount) * (UNIT_BYTES[unit ?? 'B'] ?? 1);
}

function mavenMissing(): StenoError {
  return new StenoError(
    'maven_missing',
    'The embedded broker and registry are installed by Maven, which was not found.',
    {
      fix: 'Install Maven (Debian: apt install maven, macOS: brew install maven), or set STENO_KAFKA_BROKERS and STENO_REGISTRY_URL to servers you run.',
    },
  );
}
