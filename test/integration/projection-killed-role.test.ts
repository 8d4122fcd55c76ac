import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { projections } from '../../projections/catalogue.ts';
import { hashOf } from '../../projections/state-hash.ts';
import { PROJECTIONS_FOLDER } from '../../storage/generations.ts';
import { openGenerationStore } from '../../storage/sqlite/generations.ts';
import { topicName } from '../../streams/topics.ts';
import { testCluster, type TestCluster } from '../support/cluster.ts';
import { openGeneratedLog, type GeneratedLog } from '../support/generated-log.ts';
import { readTopic } from '../support/read-topic.ts';
import { kill9, startRole, stopRole } from '../support/role-process.ts';
import { until } from '../support/until.ts';

/** P5 for the running role: killed at whatever moment, its rows are the fold of the log in the end. */

const EVENTS = 30_000;
const seed = Number(process.env['STENO_TEST_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const folder = mkdtempSync(join(tmpdir(), 'steno-killed-role-'));
let cluster: TestCluster;
let generated: GeneratedLog;

before(async () => {
  cluster = await testCluster();
  generated = await openGeneratedLog(cluster);
  await generated.append({ seed, events: EVENTS });
});
after(async () => {
  await generated.events.log.close();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('the running role, killed while it folds, ends as the fold of the log', async (t) => {
  t.diagnostic(`STENO_TEST_SEED=${seed}`);
  const dataDir = join(folder, 'live');
  const env = { ...generated.env, STENO_DATA_DIR: dataDir, STENO_MODEL: 'scripted' };
  const store = openGenerationStore(join(dataDir, PROJECTIONS_FOLDER));
  const [conversations] = projections;
  assert.ok(conversations !== undefined);
  const folded = (): number => {
    const reader = store.of(conversations.name, conversations.version).openReader(1);
    try {
      if (!reader.hasTable('position')) return 0;
      return [...conversations.open(reader).positions.all().values()].reduce(
        (sum, { next }) => sum + next,
        0,
      );
    } finally {
      reader.close();
    }
  };
  let killed = 0;
  for (const share of [0.1, 0.5]) {
    const role = await startRole('projections', env, join(folder, 'role.log'));
    await until('some of the log is folded', () => folded() >= share * EVENTS, 60_000);
    await kill9(role);
    killed += folded() < EVENTS ? 1 : 0;
  }
  assert.ok(killed > 0, 'the role was at the end before it was killed');
  const role = await startRole('projections', env, join(folder, 'role.log'));
  for (const definition of projections) {
    const topic = topicName(cluster.prefix, definition.dataset);
    const ends = await generated.events.log.offsets(topic, 'end');
    const generations = store.of(definition.name, definition.version);
    await until(
      `${definition.name} is at the end`,
      () => {
        const reader = generations.openReader(1);
        const positions = definition.open(reader).positions.all();
        reader.close();
        return ends.every((end, partition) => (positions.get(partition)?.next ?? 0) >= end);
      },
      60_000,
    );
    const reader = generations.openReader(1);
    const hash = hashOf(definition.open(reader).lines(null));
    reader.close();
    assert.equal(hash, definition.foldHash(await readTopic(generated.events, topic)));
  }
  await stopRole(role);
});
