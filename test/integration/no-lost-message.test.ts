import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { parseConfig } from '../../runtime/config.ts';
import { ChatClient } from '../support/chat-client.ts';
import { checkRecord } from '../support/check-record.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { readTopic } from '../support/read-topic.ts';
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
    await until('answers stream', () => clients.some((client) => [...client.answers.values()].some(isHalfway)));
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
  const config = parseConfig(platform.env);
  const events = await connectEvents(config, 'checker', ['scripted', 'small']);
  try {
    const read = (dataset: string) => readTopic(events, `${platform.cluster.prefix}.${dataset}.v1`);
    const recorded = {
      conversations: await read('conversations'),
      deltas: await read('inference-deltas'),
      turns: await read('turns'),
    };
    const problems = clients.flatMap((client) => {
      const own = new Set([...client.answers.values()].map((answer) => answer.inferenceId));
      return checkRecord(client.answers.values(), client.submissions, {
        ...recorded,
        deltas: recorded.deltas.filter((event) => 'inferenceId' in event.data && own.has(event.data.inferenceId)),
      });
    });
    assert.deepEqual(problems, []);
    const answered = clients.flatMap((client) => [...client.answers.values()]).filter((answer) => answer.outcome === 'completed');
    assert.ok(answered.length > (CLIENTS * MESSAGES) / 2, `only ${answered.length} answers came`);
  } finally {
    await events.log.close();
  }
}
