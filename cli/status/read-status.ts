import { isRunning } from '../../runtime/process-mark.ts';
import type { Config } from '../../runtime/config.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { openKafkaAdmin, type KafkaAdmin } from '../../streams/kafka/admin.ts';
import { kafkaOptions, withPlainKafka } from '../kafka-options.ts';
import { readRunState } from '../run-state.ts';
import { checkRegistry } from '../up/check-external.ts';
import { checkRole } from './check-role.ts';
import type { PartHealth, Status } from './render-status.ts';

/** Asks every part how it is: those of a running `steno up` over this data directory, else the configured ones. */
export async function readStatus(config: Config, nowMs: number): Promise<Status> {
  const found = await readRunState(config.dataDir);
  const state = found !== null && isRunning(found.supervisor) ? found : null;
  const brokers = state?.kafka?.brokers ?? config.kafka.brokers;
  const registryUrl = state?.registry?.url ?? config.registry.url;
  const isEmbedded = typeof state?.kafka?.pid === 'number';
  const reached = isEmbedded ? withPlainKafka(config) : config;
  const prefix = state?.topicPrefix ?? config.topicPrefix;

  const [cluster, registry, roles] = await Promise.all([
    brokers.length === 0 ? null : readCluster(reached, brokers, prefix),
    registryUrl === null ? null : checkRegistryHealth(registryUrl, config.registry.auth),
    Promise.all((state?.roles ?? []).map(checkRole)),
  ]);
  const parts = [cluster?.health ?? null, registry, ...roles].filter((part) => part !== null);
  return {
    state: state?.phase ?? (parts.length > 0 ? 'external' : 'not running'),
    dataDir: config.dataDir,
    model: state?.model ?? null,
    startedAt: state?.startedAt ?? null,
    uptimeSeconds: state === null ? null : Math.round((nowMs - Date.parse(state.startedAt)) / 1_000),
    parts,
    lag: cluster?.lag ?? [],
    disk: cluster?.disk ?? [],
  };
}

type Cluster = { readonly health: PartHealth } & Pick<Status, 'lag' | 'disk'>;

async function readCluster(config: Config, brokers: readonly string[], prefix: string): Promise<Cluster> {
  const part = { name: 'kafka', address: brokers.join(', '), facts: {} };
  let admin: KafkaAdmin | undefined;
  try {
    admin = await openKafkaAdmin(kafkaOptions(config, brokers));
    const [lag, usage] = await Promise.all([admin.lag(`${prefix}-`), admin.diskUsage(`${prefix}.`)]);
    return {
      health: { ...part, isHealthy: true, detail: 'ready' },
      lag: sumByTopic(lag),
      disk: [...usage].map(([topic, bytes]) => ({ topic, bytes })).sort((a, b) => b.bytes - a.bytes),
    };
  } catch (error) {
    return { health: { ...part, isHealthy: false, detail: errorMessage(error) }, lag: [], disk: [] };
  } finally {
    await admin?.close();
  }
}

function sumByTopic(partitions: Awaited<ReturnType<KafkaAdmin['lag']>>): Status['lag'] {
  const sums = new Map<string, { group: string; topic: string; records: number }>();
  for (const { group, topic, committed, end } of partitions) {
    const key = `${group} ${topic}`;
    const sum = sums.get(key) ?? { group, topic, records: 0 };
    sums.set(key, { ...sum, records: sum.records + Math.max(0, end - committed) });
  }
  return [...sums.values()];
}

async function checkRegistryHealth(url: string, auth: Config['registry']['auth']): Promise<PartHealth> {
  const part = { name: 'registry', address: url, facts: {} };
  try {
    await checkRegistry(url, auth);
    return { ...part, isHealthy: true, detail: 'ready' };
  } catch (error) {
    return { ...part, isHealthy: false, detail: errorMessage(error) };
  }
}
