import { CACHE_DIR } from './cache-dir.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyTopics } from '../../infra/topics/apply.ts';
import { configuredModels } from '../../inference-workers/models/configured-models.ts';
import { testCluster, type TestCluster } from './cluster.ts';
import { startRole, stopRole, type RoleProcess } from './role-process.ts';

/** Every role as its own process on the real broker and registry, with topics of its own. */
export type Platform = {
  readonly cluster: TestCluster;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly roles: RoleProcess[];
  /** Address of the first gateway that runs. */
  readonly url: () => string;
  readonly find: (name: string) => RoleProcess;
  /** Starts one more process of a role and keeps it. */
  readonly start: (name: string, env?: Readonly<Record<string, string>>) => Promise<RoleProcess>;
  readonly stop: () => Promise<void>;
};

export type PlatformOptions = {
  readonly roles?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cluster?: TestCluster;
};

const ALL_ROLES = ['processors', 'inference-worker', 'projections', 'gateway'];

/** Starts the platform with the scripted engine unless STENO_MODEL says otherwise. */
export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const cluster = options.cluster ?? (await testCluster());
  const dataDir = await mkdtemp(join(tmpdir(), 'steno-platform-'));
  const env: Record<string, string> = {
    STENO_KAFKA_BROKERS: cluster.kafka.brokers.join(','),
    STENO_REGISTRY_URL: cluster.registryUrl,
    STENO_TOPIC_PREFIX: cluster.prefix,
    STENO_DATA_DIR: dataDir,
    STENO_CACHE_DIR: CACHE_DIR,
    STENO_KAFKA_SESSION_MS: '2000',
    STENO_TOKEN_SECRET: 'a secret of the tests that seals resume tokens',
    STENO_MODEL: 'scripted',
    PORT: '0',
    LOG_LEVEL: 'info',
    ...options.env,
  };
  const { pools } = await configuredModels({
    modelsFile: env['STENO_MODELS_FILE'] ?? null,
    model: env['STENO_MODEL'] ?? null,
  });
  await applyTopics({
    kafka: cluster.kafka,
    registryUrl: cluster.registryUrl,
    registryAuth: null,
    prefix: cluster.prefix,
    pools,
    replication: 1,
    onLine: () => undefined,
  });
  const roles: RoleProcess[] = [];
  const start = async (name: string, more: Readonly<Record<string, string>> = {}): Promise<RoleProcess> => {
    const role = await startRole(name, { ...env, ...more }, join(dataDir, `${name}.log`));
    roles.push(role);
    void role.exited.then(() => roles.splice(roles.indexOf(role), 1));
    return role;
  };
  const find = (name: string): RoleProcess => {
    const role = roles.find((item) => item.name === name);
    if (role === undefined) throw new Error(`no ${name} runs`);
    return role;
  };
  await Promise.all((options.roles ?? ALL_ROLES).map((name) => start(name)));
  return {
    cluster,
    dataDir,
    env,
    roles,
    url: () => find('gateway').address ?? '',
    find,
    start,
    async stop() {
      await Promise.all([...roles].map(stopRole));
      if (options.cluster === undefined) await cluster.stop();
      if (process.env['STENO_KEEP_LOGS'] === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}
