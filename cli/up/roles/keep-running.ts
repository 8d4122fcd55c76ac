import { setTimeout as delay } from 'node:timers/promises';
import { markOf } from '../../../runtime/process-mark.ts';
import type { Exit } from '../../../infra/kafka/process/service.ts';
import { StenoError } from '../../../runtime/errors.ts';
import type { RoleState } from '../../run-state.ts';
import { planRestart } from './backoff.ts';
import type { RoleLog } from './role-log.ts';
import type { RoleProcess, RoleStart } from './role-process.ts';

export type KeepOptions = {
  readonly name: string;
  readonly log: Pick<RoleLog, 'path' | 'takeFailure'>;
  /** `lastAddress` is where the role was reached before: it must be found there again. */
  readonly start: (onReady: RoleStart['onReady'], lastAddress: string | null) => RoleProcess;
  readonly say: (text: string) => void;
  readonly onChange: () => void;
  /** The process ended without being told to; a successor starts meanwhile. */
  readonly onLost: (pid: number) => void;
};

/** A role that is started again whenever it ends by itself. */
export interface KeptRole {
  readonly name: string;
  /** Resolves when the role is ready for the first time; rejects if it ends before. */
  readonly ready: Promise<unknown>;
  state(): RoleState;
  /** Stops the role, and its restarts. */
  stop(): Promise<void>;
  /** Ends its process at once, for a supervisor that ends at once. */
  kill(): void;
}

/**
 * Starts a role and keeps it running. Its first start must succeed: what is wrong then is wrong with the installation.
 */
export function keepRunning(options: KeepOptions): KeptRole {
  const { name, log, say, onChange } = options;
  const stopping = new AbortController();
  const firstReady = Promise.withResolvers<null>();
  firstReady.promise.catch(() => undefined);
  let current: RoleProcess | undefined;
  let state: RoleState = { name, process: null, state: 'starting', address: null, health: null, restarts: 0 };

  function change(fields: Partial<RoleState>): void {
    state = { ...state, ...fields };
    onChange();
  }

  /** One run, from start to end; resolves to how long it was ready. */
  async function runOnce(): Promise<{ exit: Exit; pid: number; readyForMs: number | null }> {
    const times: { readyAt: number | null } = { readyAt: null };
    const run = options.start(({ address, health }) => {
      times.readyAt = performance.now();
      change({ state: 'ready', address, health });
      firstReady.resolve(null);
    }, state.address);
    current = run;
    change({ state: 'starting', process: run.pid === 0 ? null : markOf(run.pid) });
    const exit = await run.exited;
    current = undefined;
    return {
      exit,
      pid: run.pid,
      readyForMs: times.readyAt === null ? null : performance.now() - times.readyAt,
    };
  }

  async function keep(): Promise<void> {
    let failures = 0;
    let wasReady = false;
    while (!stopping.signal.aborted) {
      const { exit, pid, readyForMs } = await runOnce();
      wasReady ||= readyForMs !== null;
      if (stopping.signal.aborted) break;
      if (!wasReady) {
        firstReady.reject(startFailure(options, exit));
        break;
      }
      options.onLost(pid);
      const plan = planRestart(failures, readyForMs ?? 0);
      failures = plan.failures;
      say(`${name} ended (${describeExit(exit)}) and is started again`);
      if (plan.isLoop) say(`${name} ended ${failures} times in a row: read ${log.path}`);
      change({ state: 'waiting', process: null, health: null, restarts: state.restarts + 1 });
      await delay(plan.pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    change({ state: 'stopped', process: null, health: null });
  }

  const ended = keep();
  return {
    name,
    ready: firstReady.promise,
    state: () => state,
    async stop() {
      stopping.abort();
      await current?.stop();
      await ended;
    },
    kill: () => current?.kill(),
  };
}

function startFailure(options: KeepOptions, exit: Exit): StenoError {
  const { name, log } = options;
  const failure = log.takeFailure();
  if (failure === null) {
    return new StenoError('role_failed', `the ${name} ended while it started (${describeExit(exit)})`, {
      fix: `read ${log.path}`,
    });
  }
  return new StenoError(failure.code, `the ${name} did not start: ${failure.reason}`, {
    fix: failure.fix ?? `read ${log.path}`,
  });
}

function describeExit({ code, signal }: Exit): string {
  return signal ?? `exit code ${code ?? 'unknown'}`;
}
