import { errorMessage } from '../../runtime/errors.ts';
import type { BenchOptions } from '../support/bench.ts';
import { drive, type Path } from '../support/load.ts';
import type { Question } from '../support/questions.ts';
import { createMeter, type Measured, type Meter } from '../support/usage.ts';
import type { Backend } from './backend.ts';
import { openCompletionsPath } from './completions-path.ts';
import { litellm } from './litellm.ts';
import { startPeerProcess } from './peer-process.ts';
import type { PeerName, PeerProgram } from './peer-program.ts';
import { portkey } from './portkey.ts';

const programs = { litellm, portkey } satisfies Readonly<Record<PeerName, PeerProgram>>;

/** A peer that runs and answered rightly, with a meter over its processes and the backend's. */
export type Peer = {
  readonly path: Path;
  readonly meter: Meter;
  readonly pids: readonly number[];
  readonly about: string;
};

const SECONDS_OF_STEPS = 10;
const WARM_SECONDS = 3;

/** Starts a peer, warm. Rejects, with nothing left running, if it cannot be installed or does not answer rightly. */
export async function startPeer(
  name: PeerName,
  backend: Backend,
  questions: readonly Question[],
  clients: number,
  options: Pick<BenchOptions, 'say' | 'signal'> & { readonly key: string | null },
): Promise<Peer & { close(): Promise<void> }> {
  const { say, signal } = options;
  await using cleanup = new AsyncDisposableStack();
  const began = Date.now();
  say(`${name}: installing if it is not there, and starting`);
  const clock = setInterval(() => {
    say(`${name}: ${Math.round((Date.now() - began) / 1_000)} s`);
  }, SECONDS_OF_STEPS * 1_000);
  cleanup.defer(() => clearInterval(clock));
  const program = await programs[name].start(backend.baseUrl, options.key);
  const running = new AsyncDisposableStack();
  cleanup.use(running);
  running.defer(program.clean);
  const peerProcess = await startPeerProcess({ ...program, signal });
  running.defer(() => peerProcess.close());
  const target = { name, baseUrl: program.baseUrl, model: 'scripted', headers: program.headers };
  const path = openCompletionsPath(target, clients, questions);
  running.defer(() => path.close());
  await drive(path, 1, 1, signal);
  await drive(path, clients, WARM_SECONDS, signal);
  const measured = peerProcess.pids.map((pid, index): Measured => ({
    name: `${name} process ${index + 1}`,
    pid,
    metricsUrl: null,
  }));
  const kept = running.move();
  return {
    ...{ path, about: program.about, pids: peerProcess.pids },
    meter: createMeter([...measured, backend.process]),
    close: () => kept.disposeAsync(),
  };
}

/** One line that says why a peer has no figures. */
export function notRun(name: PeerName, error: unknown): string {
  return `${name}: not run: ${errorMessage(error).replaceAll(/\s+/g, ' ').slice(-300)}`;
}
