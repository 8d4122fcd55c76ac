import { readPlan } from '../../infra/topics/apply.ts';
import { describeAction } from '../../infra/topics/plan.ts';
import { describeSubject } from '../../infra/topics/subjects.ts';
import { clusterOf, type Installation } from '../installation.ts';
import { kafkaOptions } from '../kafka-options.ts';
import { checkKafka, checkRegistry } from '../up/check-external.ts';
import { check, notRun, ok, problem, type Finding } from './finding.ts';

const NOTHING_RUNS = 'nothing runs here, and none is configured';
const FIX = 'run steno topics plan, then steno topics apply';

/** Broker, registry, and what lies on them. In this order, because the later ones need the earlier ones. */
export async function checkCluster(
  installation: Installation,
  pools: readonly string[],
): Promise<readonly Finding[]> {
  const { config, brokers, registryUrl, topicPrefix } = installation;
  const [broker, registry] = await Promise.all([
    check('broker', async () => {
      if (brokers.length === 0) return notRun(NOTHING_RUNS);
      await checkKafka(kafkaOptions(config, brokers));
      return ok(`answers at ${brokers.join(', ')}`);
    }),
    check('registry', async () => {
      if (registryUrl === null) return notRun(NOTHING_RUNS);
      await checkRegistry(registryUrl, config.registry.auth);
      return ok(`answers at ${registryUrl}`);
    }),
  ]);
  const reason = 'broker or registry do not answer';
  if (broker.status !== 'ok' || registry.status !== 'ok') {
    return [
      broker,
      registry,
      await check('topics', () => notRun(reason)),
      await check('schemas', () => notRun(reason)),
    ];
  }
  const cluster = clusterOf(installation);
  const plan = readPlan({
    kafka: kafkaOptions(config, cluster.brokers),
    registryUrl: cluster.registryUrl,
    registryAuth: config.registry.auth,
    prefix: topicPrefix,
    pools,
  });
  plan.catch(() => undefined);
  const [topics, schemas] = await Promise.all([
    check('topics', async () => {
      const { topics } = await plan;
      const [first] = topics;
      if (first === undefined) return ok('as this version wants them');
      const refused = topics.find(({ kind }) => kind === 'refuse');
      return problem(
        `${topics.length} differ, such as: ${describeAction(refused ?? first)}`,
        refused === undefined ? FIX : 'use another STENO_TOPIC_PREFIX: keyed topics are never repartitioned',
      );
    }),
    check('schemas', async () => {
      const { subjects } = await plan;
      const [first] = subjects;
      if (first === undefined)
        return ok('those of this version are registered, and no incompatible one can follow');
      return problem(`${subjects.length} differ, such as: ${describeSubject(first)}`, FIX);
    }),
  ]);
  return [broker, registry, topics, schemas];
}
