import { removeMembersOf } from '../../cli/up/remove-members.ts';
import type { KafkaAdmin } from '../../streams/kafka/admin.ts';
import type { Platform } from '../../test/support/platform.ts';
import { kill9, stopRole, type RoleProcess } from '../../test/support/role-process.ts';

/** Gateways and workers that get lost and come back. */
export interface Fleet {
  /** Starts a process; whoever takes its place later gets the same settings. */
  start(role: string, env?: Readonly<Record<string, string>>): Promise<RoleProcess>;
  startAgain(lost: RoleProcess): Promise<RoleProcess>;
  /** What a supervisor does that saw the end of a process. */
  forget(lost: RoleProcess): Promise<void>;
  /** Starts or stops workers until so many run. */
  haveWorkers(count: number): Promise<void>;
  gateways(): readonly RoleProcess[];
  workers(): readonly RoleProcess[];
}

export function openFleet(platform: Platform, admin: KafkaAdmin): Fleet {
  const settings = new Map<number, Readonly<Record<string, string>>>();
  const named = (role: string): readonly RoleProcess[] => platform.roles.filter(({ name }) => name === role);

  const fleet: Fleet = {
    async start(role, env = {}) {
      const started = await platform.start(role, env);
      settings.set(started.pid, env);
      return started;
    },
    startAgain: (lost) => fleet.start(lost.name, settings.get(lost.pid)),
    async forget({ name, pid }) {
      const { prefix } = platform.cluster;
      await removeMembersOf(admin, `${prefix}-`, `${prefix}-${name}-${pid}`);
    },
    async haveWorkers(count) {
      while (fleet.workers().length < count) await fleet.start('inference-worker');
      for (const surplus of fleet.workers().slice(count)) await stopRole(surplus);
    },
    gateways: () => named('gateway'),
    workers: () => named('inference-worker'),
  };
  return fleet;
}

/** One way to lose a process, and to be whole again afterwards. */
export type KillCase = {
  readonly name: string;
  readonly role: 'gateway' | 'inference-worker';
  /** Workers that run when the process is lost. */
  readonly workers: number;
  readonly must: number;
  readonly moonshot: number;
  /** Ends the process, and does what somebody who sees it would do. */
  readonly lose: (fleet: Fleet, lost: RoleProcess) => Promise<void>;
  /** Brings the platform back to what it was, once every answer has ended. */
  readonly mend: (fleet: Fleet, lost: RoleProcess) => Promise<unknown>;
};

/** Targets are seconds without a token: T8. */
export const killCases: readonly KillCase[] = [
  {
    name: 'kill -9 of a gateway, clients go on at the other',
    ...{ role: 'gateway', workers: 2, must: 2, moonshot: 0.5 },
    lose: (_fleet, lost) => kill9(lost),
    mend: (fleet, lost) => fleet.startAgain(lost),
  },
  {
    name: 'kill -9 of a worker, seen by its supervisor, another worker there',
    ...{ role: 'inference-worker', workers: 2, must: 3, moonshot: 1 },
    async lose(fleet, lost) {
      await kill9(lost);
      await fleet.forget(lost);
    },
    mend: (fleet, lost) => fleet.startAgain(lost),
  },
  {
    name: 'kill -9 of the only worker, seen by its supervisor and started again',
    ...{ role: 'inference-worker', workers: 1, must: 3, moonshot: 1 },
    async lose(fleet, lost) {
      await kill9(lost);
      // As `steno up` does: the next one starts while the dead one is taken out of its group.
      await Promise.all([fleet.startAgain(lost), fleet.forget(lost)]);
    },
    mend: () => Promise.resolve(),
  },
  {
    name: 'a worker whose host vanished, another worker there',
    ...{ role: 'inference-worker', workers: 2, must: 5, moonshot: 3 },
    // Stopped, not killed: its connections stay open, as those of a host that is gone do.
    lose: (_fleet, lost) => Promise.resolve(void lost.child.kill('SIGSTOP')),
    async mend(fleet, lost) {
      await kill9(lost);
      await fleet.forget(lost);
      await fleet.startAgain(lost);
    },
  },
];
