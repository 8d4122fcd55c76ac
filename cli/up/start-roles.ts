import type { Config } from '../../runtime/config.ts';
import { errorMessage } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Progress } from '../../runtime/progress.ts';
import { openKafkaAdmin, type KafkaAdmin } from '../../streams/kafka/admin.ts';
import { kafkaOptions } from '../kafka-options.ts';
import { rolePrograms } from '../roles.ts';
import { removeMembersOf } from './remove-members.ts';
import { keepRunning, type KeptRole } from './roles/keep-running.ts';
import { roleEnvironment, type RoleSurroundings } from './roles/role-environment.ts';
import { openRoleLog } from './roles/role-log.ts';
import { startRoleProcess } from './roles/role-process.ts';

export type StartRolesOptions = RoleSurroundings & {
  readonly progress: Progress;
  readonly logger: Logger;
  readonly onChange: () => void;
};

export type RunningRoles = {
  readonly roles: readonly KeptRole[];
  /** Resolves when all are ready; rejects when one ends before. */
  readonly ready: Promise<unknown>;
  /** Stops them one after the other, the gateway first. */
  readonly stop: () => Promise<void>;
  readonly kill: () => void;
};

/** Starts all roles at once and keeps them running. */
export async function startRoles(options: StartRolesOptions): Promise<RunningRoles> {
  const { config, brokers, progress, logger } = options;
  const admin = await openKafkaAdmin(kafkaOptions(config, brokers));
  const say = (text: string): void => progress.line(text);
  const roles = await Promise.all(
    rolePrograms.map(async ({ name, entry }) => {
      const log = await openRoleLog(config.dataDir, name, say);
      return keepRunning({
        name,
        log,
        say,
        onChange: options.onChange,
        onLost: (pid) => void forget(admin, config, name, pid, logger),
        start: (onReady, lastAddress) =>
          startRoleProcess({ entry, logFile: log.path, env: roleEnvironment(options, lastAddress), onReady }),
      });
    }),
  );
  return {
    roles,
    ready: Promise.all(roles.map(async (role) => showStart(role, progress))),
    async stop() {
      for (const role of roles) {
        const step = progress.step(`stopping ${role.name}`);
        await role.stop();
        step.finish();
      }
      await admin.close();
    },
    kill() {
      for (const role of roles) role.kill();
    },
  };
}

async function showStart(role: KeptRole, progress: Progress): Promise<void> {
  const step = progress.step(`starting ${role.name}`);
  try {
    await role.ready;
    step.finish(role.state().address ?? 'ready');
  } catch (error) {
    step.fail('see below');
    throw error;
  }
}

/** The group would wait for a dead member until its session times out. */
async function forget(
  admin: KafkaAdmin,
  config: Config,
  role: string,
  pid: number,
  logger: Logger,
): Promise<void> {
  try {
    const { topicPrefix } = config;
    const removed = await removeMembersOf(admin, `${topicPrefix}-`, `${topicPrefix}-${role}-${pid}`);
    logger.info('members of a dead process removed', { of: role, deadPid: pid, removed });
  } catch (error) {
    // The session time-out does the same a little later.
    logger.info('members of a dead process not removed', {
      of: role,
      deadPid: pid,
      reason: errorMessage(error),
    });
  }
}
