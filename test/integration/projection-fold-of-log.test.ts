import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { projections } from '../../projections/catalogue.ts';
import { topicName } from '../../streams/topics.ts';
import { testCluster, type TestCluster } from '../support/cluster.ts';
import { foldWithCuts } from '../support/cut-fold.ts';
import { openGeneratedLog, type GeneratedLog } from '../support/generated-log.ts';
import { readTopic } from '../support/read-topic.ts';

/** P5: whatever is killed at whatever moment, rows are what the log up to their positions folds to. */

const EVENTS = 30_000;
const seed = Number(process.env['STENO_TEST_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const folder = mkdtempSync(join(tmpdir(), 'steno-fold-of-log-'));
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

test('a rebuild that is killed again and again ends as the fold of the log', async (t) => {
  t.diagnostic(`STENO_TEST_SEED=${seed}`);
  for (const definition of projections) {
    const topic = topicName(cluster.prefix, definition.dataset);
    await foldWithCuts({
      definition,
      env: generated.env,
      folder: join(folder, 'rebuilt'),
      log: await readTopic(generated.events, topic),
      ends: await generated.events.log.offsets(topic, 'end'),
      cuts: definition.name === 'conversations' ? 4 : 1,
      threads: definition.name === 'conversations' ? 2 : 1,
      seed,
      mostEvents: 500,
    });
  }
});
