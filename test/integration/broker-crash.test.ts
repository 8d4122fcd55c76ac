import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ChatClient } from '../support/chat-client.ts';
import { startOwnCluster, type OwnCluster } from '../support/own-cluster.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { until } from '../support/until.ts';

/** P20: kill -9 of the broker with its disk kept loses no acknowledged record. */

let own: OwnCluster;
let platform: Platform;

before(async () => {
  own = await startOwnCluster();
  platform = await startPlatform({ cluster: own.cluster });
});
after(async () => {
  await platform.stop();
  await own.stop();
});

test('every message acknowledged before, during and after the crash is answered, once and whole', async () => {
  const clients = Array.from({ length: 4 }, () => new ChatClient(() => platform.url()));
  const asked = Promise.all(
    clients.map(async (client) => {
      for (let index = 0; index < 6; index += 1) {
        await client.ask({ text: `question ${index} [[tokens=40 pace=10]]`, model: 'scripted' });
      }
    }),
  );
  await until('answers stream', () =>
    clients.some((client) => [...client.answers.values()].some((answer) => answer.lastSeq > 2)),
  );
  await own.killBroker();
  await own.restartBroker();
  await asked;
  await until(
    'every turn is measured',
    async () => {
      const problems = problemsOf(clients, await readRecorded(platform));
      return !problems.some((problem) => problem.includes('measured 0 times'));
    },
    60_000,
  );
  assert.deepEqual(problemsOf(clients, await readRecorded(platform)), []);
  const completed = clients
    .flatMap((client) => [...client.answers.values()])
    .filter(({ outcome }) => outcome === 'completed');
  assert.ok(completed.length >= 12, `only ${completed.length} answers came`);
  for (const client of clients) client.close();
});
