import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { removeMembersOf } from '../../../cli/up/remove-members.ts';
import type { Listener } from '../../../infra/kafka/broker-properties.ts';
import { findJava } from '../../../infra/kafka/parts/find-java.ts';
import { installParts } from '../../../infra/kafka/parts/install-parts.ts';
import { freePort } from '../../../infra/kafka/process/free-port.ts';
import { startBroker } from '../../../infra/kafka/start-broker.ts';
import { startRegistry } from '../../../infra/kafka/start-registry.ts';
import { applyTopics } from '../../../infra/topics/apply.ts';
import { createLogger } from '../../../runtime/logger.ts';
import { silentProgress } from '../../../runtime/progress.ts';
import { openKafkaAdmin } from '../../../streams/kafka/admin.ts';
import type { PoisonRecord } from '../../checker/evidence.ts';
import { CACHE_DIR } from '../../support/cache-dir.ts';
import { startRole, type RoleProcess } from '../../support/role-process.ts';
import { openDoor, type Door } from './door.ts';
import { mutationEnv, type Change } from './mutation-env.ts';
import { SLOTS, slotNames, type SlotName } from './slots.ts';

export const TENANTS = ['north', 'south'] as const;
export type Tenant = (typeof TENANTS)[number];

export type Slot = {
  readonly name: SlotName;
  readonly door: Door;
  /** Null while it is down. */
  process: RoleProcess | null;
  /** How often it was started. */
  starts: number;
  /** What its next process gets on top of the environment. */
  env: Readonly<Record<string, string>>;
  /** False for a host that vanished: nobody takes its member out of the group. */
  seen: boolean;
};

/** Every role in processes of its own, on a broker and a registry of their own, kept running as a supervisor would. */
export type Stage = {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly prefix: string;
  readonly brokers: string;
  readonly slot: (name: SlotName) => Slot;
  readonly keyOf: (tenant: Tenant) => string;
  readonly secrets: readonly string[];
  /** Records of earlier rounds that nobody can decode. */
  readonly poison: PoisonRecord[];
  /** Addresses of the gateways that are up. */
  readonly gateways: () => readonly string[];
  readonly isUp: (name: SlotName) => boolean;
  readonly killBroker: () => Promise<void>;
  readonly restartBroker: () => Promise<void>;
  readonly registry: Door;
  readonly stop: () => Promise<void>;
};

/** Those of the built-in catalogue. */
export const POOLS = ['scripted', 'small'];
const PREFIX = 'campaign';
const SESSION_MS = 2_000;
const TOKEN_SECRET = 'a secret of the campaign that seals resume tokens';
const CLOCK = pathToFileURL(join(import.meta.dirname, '..', '..', 'support', 'wrong-clock.ts')).href;

/** `change`: one rule of the system taken out, to show that the checker notices. */
export async function openStage(
  onTrouble: (text: string) => void,
  change: Change | null = null,
): Promise<Stage> {
  const cleanup = new AsyncDisposableStack();
  try {
    return await build(cleanup, onTrouble, change);
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
}

async function build(
  cleanup: AsyncDisposableStack,
  onTrouble: (text: string) => void,
  change: Change | null,
): Promise<Stage> {
  const dataDir = await mkdtemp(join(tmpdir(), 'steno-campaign-'));
  cleanup.defer(() =>
    process.env['STENO_KEEP_LOGS'] === undefined ? rm(dataDir, { recursive: true, force: true }) : undefined,
  );
  const cluster = await openCluster(dataDir, cleanup);
  const kafka = {
    ...{ brokers: [cluster.brokers], clientId: `${PREFIX}-harness`, tls: null, sasl: null },
    ...{ sessionMillis: SESSION_MS, heartbeatMillis: 300 },
  };
  await applyTopics({
    ...{ kafka, registryUrl: cluster.registryUrl, registryAuth: null, prefix: PREFIX, pools: POOLS },
    ...{ replication: 1, onLine: () => undefined },
  });
  const keys = new Map(TENANTS.map((tenant) => [tenant, `sk-campaign-${tenant}-0123456789abcdef0123456789`]));
  await writeFile(join(dataDir, 'keys.json'), keysFile(keys));
  const env: Record<string, string> = {
    STENO_KAFKA_BROKERS: cluster.brokers,
    STENO_REGISTRY_URL: cluster.registryUrl,
    STENO_TOPIC_PREFIX: PREFIX,
    STENO_DATA_DIR: dataDir,
    STENO_CACHE_DIR: CACHE_DIR,
    STENO_KEYS_FILE: join(dataDir, 'keys.json'),
    STENO_KAFKA_SESSION_MS: String(SESSION_MS),
    STENO_TOKEN_SECRET: TOKEN_SECRET,
    STENO_MODEL: 'scripted',
    PORT: '0',
    LOG_LEVEL: 'info',
    NODE_OPTIONS: `--import=${CLOCK}`,
    ...(change === null ? {} : mutationEnv(`--import=${CLOCK}`, change)),
  };
  const admin = await openKafkaAdmin(kafka);
  cleanup.defer(() => admin.close());
  let stopping = false;
  const slots = new Map<SlotName, Slot>();
  for (const name of slotNames) {
    const door = cluster.doors.get(name);
    if (door === undefined) throw new Error(`no door for ${name}`);
    slots.set(name, { name, door, process: null, starts: 0, env: {}, seen: true });
  }

  async function forget(slot: Slot, pid: number): Promise<void> {
    if (!slot.seen) return;
    // The session time-out does the same a little later.
    await removeMembersOf(admin, `${PREFIX}-`, `${PREFIX}-${SLOTS[slot.name]}-${pid}`).catch(() => undefined);
  }

  async function run(slot: Slot): Promise<void> {
    while (!stopping) {
      slot.starts += 1;
      const more = { STENO_KAFKA_BROKERS: `127.0.0.1:${slot.door.port}`, ...slot.env };
      const replyPartition = slot.name === 'gateway-a' ? '3' : '7';
      try {
        const started = await startRole(
          SLOTS[slot.name],
          { ...env, ...more, STENO_REPLY_PARTITION: replyPartition },
          join(dataDir, `${slot.name}.log`),
        );
        slot.process = started;
        if (stopping) started.child.kill('SIGTERM');
        await started.exited;
        slot.process = null;
        if (!stopping) await forget(slot, started.pid);
      } catch (error) {
        if (!stopping) onTrouble(`${slot.name} did not start: ${String(error)}`);
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }
  const running = [...slots.values()].map(run);
  cleanup.defer(async () => {
    stopping = true;
    for (const { process, door } of slots.values()) {
      door.mend();
      process?.child.kill('SIGCONT');
      process?.child.kill('SIGKILL');
    }
    await Promise.all(running);
  });
  const slot = (name: SlotName): Slot => {
    const found = slots.get(name);
    if (found === undefined) throw new Error(`no slot ${name}`);
    return found;
  };
  return {
    ...{ dataDir, env, prefix: PREFIX, brokers: cluster.brokers, slot, registry: cluster.registry },
    keyOf: (tenant) => keys.get(tenant) ?? '',
    secrets: [...keys.values(), TOKEN_SECRET],
    poison: [],
    gateways: () =>
      [slot('gateway-a'), slot('gateway-b')].flatMap(({ process }) =>
        typeof process?.address === 'string' ? [process.address] : [],
      ),
    isUp: (name) => slot(name).process !== null,
    killBroker: cluster.killBroker,
    restartBroker: cluster.restartBroker,
    stop: () => cleanup.disposeAsync(),
  };
}

function keysFile(keys: ReadonlyMap<Tenant, string>): string {
  const entries = [...keys].map(
    ([tenant, key]) => [hash('sha256', key, 'hex'), { tenant, principal: `${tenant}-app` }] as const,
  );
  return JSON.stringify({ keys: Object.fromEntries(entries) });
}

type Cluster = {
  readonly brokers: string;
  readonly registryUrl: string;
  readonly registry: Door;
  readonly doors: ReadonlyMap<SlotName, Door>;
  readonly killBroker: () => Promise<void>;
  readonly restartBroker: () => Promise<void>;
};

async function openCluster(dataDir: string, cleanup: AsyncDisposableStack): Promise<Cluster> {
  const logger = createLogger({ role: 'campaign', level: 'error' });
  const java = await findJava({ env: process.env, cacheDir: CACHE_DIR, progress: silentProgress });
  const parts = await installParts({ cacheDir: CACHE_DIR, java, env: process.env, progress: silentProgress });
  const shared = { parts, java, dataDir, logger };
  const port = await freePort('127.0.0.1');
  const doors = new Map<SlotName, Door>();
  const moreListeners: Listener[] = [];
  for (const [index, name] of slotNames.entries()) {
    const listener = await freePort('127.0.0.1');
    const door = await openDoor(0, listener);
    doors.set(name, door);
    cleanup.defer(() => door.close());
    moreListeners.push({ name: `DOOR${index}`, port: listener, advertised: `127.0.0.1:${door.port}` });
  }
  const start = () => startBroker({ ...shared, port, moreListeners });
  let broker = await start();
  cleanup.defer(() => broker.stop());
  const registry = await startRegistry(shared);
  cleanup.defer(() => registry.stop());
  const address = new URL(registry.address);
  const door = await openDoor(0, Number(address.port), { framed: false });
  cleanup.defer(() => door.close());
  address.port = String(door.port);
  return {
    brokers: broker.address,
    registryUrl: address.href,
    registry: door,
    doors,
    async killBroker() {
      broker.kill();
      await broker.exited;
    },
    async restartBroker() {
      broker = await start();
    },
  };
}
