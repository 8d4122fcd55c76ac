import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ChatClient } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { kill9 } from '../support/role-process.ts';
import { until } from '../support/until.ts';

/** P1: after the gateway acknowledges a message it gets exactly one effective terminal event, whichever process is killed. */

const CLIENTS = 6;
const MESSAGES = 8;
let platform: Platform;

before(async () => {
  platform = await startPlatform();
});
after(async () => {
  await platform.stop();
});

for (const role of ['gateway', 'processors', 'inference-worker']) {
  test(`kill -9 of the ${role} under load loses, doubles and truncates nothing`, async () => {
    const clients = Array.from({ length: CLIENTS }, () => new ChatClient(() => platform.url()));
    const asked = Promise.all(clients.map(askAll));
    await until('answers stream', () =>
      clients.some((client) => [...client.answers.values()].some(isHalfway)),
    );
    await kill9(platform.find(role));
    await platform.start(role);
    await asked;
    await check(clients);
    for (const client of clients) client.close();
  });
}

/** Asks one message after the other; one that was never acknowledged is asked again, as a person would. */
async function askAll(client: ChatClient): Promise<void> {
  for (let index = 0; index < MESSAGES; index += 1) {
    await client.ask({ text: `question ${index} [[tokens=40 pace=5]]`, model: 'scripted' });
  }
}

function isHalfway(answer: { readonly lastSeq: number; readonly outcome: string | null }): boolean {
  return answer.lastSeq > 2 && answer.outcome === null;
}

async function check(clients: readonly ChatClient[]): Promise<void> {
  const answers = clients.flatMap((client) => [...client.answers.values()]);
  // A client may hear the end before the last record of the turn is appended.
  await until('every turn is measured', async () => {
    const problems = problemsOf(clients, await readRecorded(platform));
    return !problems.some((problem) => problem.includes('measured 0 times'));
  });
  assert.deepEqual(problemsOf(clients, await readRecorded(platform)), []);
  const answered = answers.filter((answer) => answer.outcome === 'completed');
  assert.ok(answered.length > (CLIENTS * MESSAGES) / 2, `only ${answered.length} answers came`);
}
