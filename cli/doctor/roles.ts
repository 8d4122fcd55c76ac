import { z } from 'zod';
import { silentProgress } from '../../runtime/progress.ts';
import { connectRegistry } from '../../schemas/registry.ts';
import { openEventLog } from '../../streams/event-log.ts';
import { openKafkaLog } from '../../streams/kafka/open-log.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { clusterOf, type Installation } from '../installation.ts';
import { kafkaOptions } from '../kafka-options.ts';
import { rolePrograms } from '../roles.ts';
import { checkRole } from '../status/check-role.ts';
import { rangesOf } from '../tail/start-at.ts';
import { tailTopic } from '../tail/tail-topic.ts';
import { check, notRun, ok, problem, type Finding, type Verdict } from './finding.ts';

/** Workers append a sample every ten seconds: after three that are missing nobody is there. */
const SAMPLE_MS = 30_000;
/** More than an append takes; less would be no clock's fault. */
const CLOCK_MS = 2_000;
/** How far back samples are looked for, so that a broker whose clock differs is seen too. */
const LOOK_BACK_MS = 10 * 60_000;

const READ_MS = 20_000;

const sample = z.object({ workerId: z.string(), model: z.string(), occurredAt: z.number() });

/** What a worker said last, and the broker's time of it. */
type Sample = Readonly<z.infer<typeof sample>> & { readonly time: number };

/** Each role that runs here, the workers that serve, and the clocks of workers, broker and this machine. */
export async function checkRoles(
  installation: Installation,
  isClusterUp: boolean,
  now: () => number,
): Promise<readonly Finding[]> {
  const { state } = installation;
  const roles = rolePrograms.map(({ name }) =>
    check(name, async () => {
      const role = state?.roles.find((found) => found.name === name);
      if (role === undefined) return notRun('no steno up runs here');
      const { isHealthy, detail, address } = await checkRole(role);
      if (isHealthy) return ok(`ready${address === null ? '' : ` at ${address}`}`);
      return problem(detail, `look at logs/${name}.log in ${installation.config.dataDir}`);
    }),
  );
  const samples = isClusterUp ? readSamples(installation, now()) : Promise.resolve(null);
  samples.catch(() => undefined);
  return Promise.all([
    ...roles,
    check('workers', async () => judgeWorkers(await samples, now())),
    check('clock', async () => judgeClocks(await samples, now())),
  ]);
}

/** The last sample of every worker, from the log. */
async function readSamples(installation: Installation, nowMs: number): Promise<readonly Sample[]> {
  const { config, topicPrefix } = installation;
  const { brokers, registryUrl } = clusterOf(installation);
  const topic = topicName(topicPrefix, datasets.metrics);
  const log = await openKafkaLog(kafkaOptions(config, brokers));
  try {
    const events = await openEventLog(
      log,
      connectRegistry(registryUrl, config.registry.auth),
      registryUrl,
      [],
    );
    const partitions = [...Array(await log.partitionCount(topic)).keys()];
    const ranges = await rangesOf(log, topic, { at: nowMs - LOOK_BACK_MS }, partitions);
    const last = new Map<string, Sample>();
    await tailTopic({
      ...{ events, topic, ranges, follow: false, limit: null, progress: silentProgress },
      filter: { type: 'WorkerSampled' },
      signal: AbortSignal.timeout(READ_MS),
      onRecord({ data, time }) {
        const found = sample.safeParse(data).data;
        if (found !== undefined) last.set(found.workerId, { ...found, time: Date.parse(time) });
      },
    });
    return [...last.values()];
  } finally {
    await log.close();
  }
}

/** Whether somebody serves, told by the samples' own age at the broker. */
export function judgeWorkers(samples: readonly Sample[] | null, nowMs: number): Verdict {
  if (samples === null) return notRun('broker or registry do not answer');
  const fresh = samples.filter(({ time }) => nowMs - time < SAMPLE_MS);
  if (fresh.length === 0) {
    return problem(
      'no worker has sampled itself for 30 s: nobody answers messages',
      'start one with steno up or steno run inference-worker',
    );
  }
  const models = [...new Set(fresh.map(({ model }) => model))].sort().join(', ');
  return ok(`${fresh.length} ${fresh.length === 1 ? 'serves' : 'serve'}: ${models}`);
}

/**
 * Compares clocks by the workers' samples: a worker's own clock with the append time of the same sample, and this
 * machine's clock with the newest append time, which cannot lie ahead of it.
 */
export function judgeClocks(samples: readonly Sample[] | null, nowMs: number): Verdict {
  if (samples === null) return notRun('broker or registry do not answer');
  if (samples.length === 0) return notRun('no worker has sampled itself in the last ten minutes');
  const ahead = Math.max(...samples.map(({ time }) => time - nowMs));
  const worst = samples.reduce((most, next) => (gap(next) > gap(most) ? next : most));
  if (ahead > CLOCK_MS)
    return problem(`the broker's clock is ${seconds(ahead)} ahead of this machine's`, 'set both by NTP');
  if (gap(worst) > CLOCK_MS) {
    return problem(
      `the clock of worker ${worst.workerId} and the broker's differ by ${seconds(gap(worst))}`,
      'set both by NTP',
    );
  }
  return ok(`workers and broker differ by ${seconds(gap(worst))} at most, the append itself included`);
}

function gap({ occurredAt, time }: Sample): number {
  return Math.abs(time - occurredAt);
}

function seconds(millis: number): string {
  return `${(millis / 1_000).toFixed(2)} s`;
}
