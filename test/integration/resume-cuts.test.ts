import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ChatClient, type SeenAnswer } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { transports, type Reading } from '../support/resume-transports.ts';
import { seededRandom, type Random } from '../support/random.ts';
import { until } from '../support/until.ts';

/** P4: however often and wherever a connection is cut, over whatever transport, any gateway gives exactly the rest. */

const WANTED = Number(process.env['STENO_RESUME_CUTS'] ?? 60);
const seed = Number(process.env['STENO_TEST_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const LANES = 4;
/** More connections than any answer has pieces: whoever needs them does not get on. */
const MOST_CONNECTIONS = 500;

let platform: Platform;
let gateways: readonly string[];
let client: ChatClient;
/** Cuts by transport and by whether the answer was running. */
const cuts = new Map<string, number>();
const names = Object.keys(transports);
let turn = 0;

before(async () => {
  platform = await startPlatform({ env: { STENO_REPLY_PARTITION: '3' } });
  const second = await platform.start('gateway', { STENO_REPLY_PARTITION: '7' });
  gateways = [platform.url(), second.address ?? ''];
  client = new ChatClient(() => platform.url());
});
after(async () => {
  client.close();
  await platform.stop();
});

const count = (): number => [...cuts.values()].reduce((sum, number) => sum + number, 0);

test('the joined text is the recorded one and its numbers are dense, running and finished', async (t) => {
  t.diagnostic(`STENO_TEST_SEED=${seed} STENO_RESUME_CUTS=${WANTED}`);
  const lanes = Array.from({ length: LANES }, (_unused, index) => seededRandom(seed + index));
  const readings = (await Promise.all(lanes.map(readCut))).flat();
  assert.ok(count() >= WANTED);
  for (const [kind, number] of [...cuts].sort()) t.diagnostic(`${number} cuts: ${kind}`);
  t.diagnostic(`${client.answers.size} answers, ${readings.length} of them read whole over cut connections`);
  assert.equal(cuts.size, names.length * 2, 'a transport was never cut');
  const recorded = await readRecorded(platform);
  const ends = new Map(
    recorded.conversations.flatMap((event) =>
      event.type === 'InferenceCompleted' ? [[event.data.inferenceId, event.data] as const] : [],
    ),
  );
  for (const { inferenceId, reading } of readings) {
    const end = ends.get(inferenceId);
    assert.ok(Buffer.from(reading.text).equals(Buffer.from(end?.content.text ?? 'nothing')), inferenceId);
    assert.deepEqual(reading.seqs, [...reading.seqs.keys()], inferenceId);
    assert.equal(reading.seqs.length, end?.deltaBytes.length, inferenceId);
  }
  await until('every turn is measured', async () => {
    const problems = problemsOf([client], await readRecorded(platform));
    return !problems.some((problem) => problem.includes('measured 0 times'));
  });
  assert.deepEqual(problemsOf([client], await readRecorded(platform)), []);
});

type Read = { readonly inferenceId: string; readonly reading: Reading };

/** Reads answers, each while it runs and once more when it has ended, until all lanes have cut often enough. */
async function readCut(random: Random): Promise<readonly Read[]> {
  const done: Read[] = [];
  while (count() < WANTED) {
    const text = `cut me [[tokens=${random.between(20, 60)} pace=${random.between(5, 15)}]]`;
    const before = new Set(client.answers.values());
    const whole = client.ask({ text, model: 'scripted' });
    const answer = [...client.answers.values()].find((one) => !before.has(one));
    assert.ok(answer !== undefined);
    await until('the message is accepted', () => answer.token !== '');
    done.push(await readWhole(answer, random));
    await whole;
    done.push(await readWhole(answer, random));
  }
  return done;
}

async function readWhole(answer: SeenAnswer, random: Random): Promise<Read> {
  const reading: Reading = { seqs: [], text: '', ended: false };
  for (let connections = 0; !reading.ended; connections += 1) {
    assert.ok(connections < MOST_CONNECTIONS, `${answer.inferenceId} is never whole`);
    const name = names[(turn += 1) % names.length] ?? '';
    const state = answer.outcome === null ? 'running' : 'finished';
    const room = { bytes: random.between(0, 4_000), frames: random.between(0, 25) };
    await transports[name]?.(random.pick(gateways), answer, reading, room);
    if (!reading.ended) cuts.set(`${name}, ${state}`, (cuts.get(`${name}, ${state}`) ?? 0) + 1);
  }
  return { inferenceId: answer.inferenceId, reading };
}
