import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { ChatClient, type SeenAnswer } from '../support/chat-client.ts';
import { startOwnCluster, type OwnCluster } from '../support/own-cluster.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { SseClient } from '../support/sse-client.ts';
import { until } from '../support/until.ts';
import { watchMetric } from '../support/watch-metric.ts';

/** P10: above capacity a refusal with a time to come again, queues within their limits, no acknowledged message lost. */

const MOST_STREAMS = 20;
const MOST_SOCKETS = 4 * MOST_STREAMS;
const MOST_PENDING = 2 * MOST_STREAMS;
/** What one connection may have in work, and one conversation may have waiting. */
const MOST_FRAMES = 64;
const MOST_PARKED = 4;
/** Every queue is offered ten times what it holds. */
const TIMES = 10;

let own: OwnCluster;
let platform: Platform;
/** A gateway whose queue of answers is none of the test's concern. */
let wide: string;
const clients: (SseClient | ChatClient)[] = [];
const narrow = (): string => platform.url();

before(async () => {
  own = await startOwnCluster();
  platform = await startPlatform({
    cluster: own.cluster,
    env: { STENO_MAX_OPEN_INFERENCES: String(MOST_STREAMS) },
  });
  wide = (await platform.start('gateway', { STENO_MAX_OPEN_INFERENCES: '1000' })).address ?? '';
});
after(async () => {
  for (const client of clients) client.close();
  await platform.stop();
  await own.stop();
});

function kept<T extends SseClient | ChatClient>(client: T): T {
  clients.push(client);
  return client;
}

test('ten times as many answers as may stream: refused politely, asked again, all answered', async (context) => {
  const open = watchMetric(narrow(), 'steno_gateway_open_streams');
  const askers = Array.from({ length: MOST_STREAMS * TIMES }, () => kept(new SseClient(narrow)));
  await Promise.all(
    askers.map(async (asker, index) => {
      let answer = await asker.ask(`question ${index} [[tokens=20 pace=20]]`);
      while (answer.token === '') {
        assert.equal(answer.code, 'overloaded');
        await new Promise((resolve) => setTimeout(resolve, 100));
        answer = await asker.ask(`question ${index} [[tokens=20 pace=20]]`);
      }
      assert.equal(answer.outcome, 'completed');
    }),
  );
  const refusals = askers.flatMap((asker) => asker.refusals);
  assert.ok(refusals.length > 0, 'nobody was refused');
  for (const { status, retryAfter } of refusals) assert.deepEqual([status, retryAfter], [503, '1']);
  const millis = refusals.map((refusal) => refusal.millis).sort((a, b) => a - b);
  const at = (share: number): string => (millis[Math.floor((millis.length - 1) * share)] ?? 0).toFixed(1);
  context.diagnostic(`${millis.length} refusals: median ${at(0.5)} ms, p99 ${at(0.99)} ms, last ${at(1)} ms`);
  assert.equal(Math.max(...(await open.stop())), MOST_STREAMS);
  await checkRecorded();
});

test('a gateway that is full says so on every route, and still stops answers', async () => {
  const holders = Array.from({ length: MOST_STREAMS }, () => kept(new SseClient(narrow)));
  const held = holders.map((holder) => holder.ask('a long one [[tokens=1000 pace=50]]'));
  const seen = (): readonly SeenAnswer[] => holders.flatMap((holder) => [...holder.answers.values()]);
  await until(
    'the gateway is full',
    () => seen().filter(({ lastSeq }) => lastSeq >= 0).length === MOST_STREAMS,
  );
  const [first] = seen();
  assert.ok(first !== undefined);

  const messages = [{ role: 'user', content: 'hello' }];
  const resume = `/v1/inferences/${first.inferenceId}/stream?token=${encodeURIComponent(first.token)}`;
  const answers = [
    await post('/conversation', { message: 'hello' }),
    await post('/v1/chat', { message: 'hello' }),
    await post('/v1/chat/completions', { model: 'scripted', messages }),
    await post('/v1/responses', { model: 'scripted', input: 'hello' }),
    await fetch(narrow() + resume),
  ];
  for (const answer of answers) {
    assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1'], answer.url);
    // Every error of ours has this shape.
    const { error } = (await answer.json()) as { error: { code: string } };
    assert.equal(error.code, 'overloaded', answer.url);
  }

  const socket = new WebSocket(`${narrow().replace('http', 'ws')}/v1/chat`);
  await once(socket, 'open');
  const { token } = first;
  for (const frame of [
    { type: 'message', id: 'm', text: 'hello' },
    { type: 'resume', id: 'r', token },
  ]) {
    socket.send(JSON.stringify(frame));
    const [data] = (await once(socket, 'message')) as [Buffer];
    // Every frame of ours is a JSON object.
    const { type, id, code, retryable, retry_after_ms } = JSON.parse(data.toString()) as Record<
      string,
      unknown
    >;
    assert.deepEqual(
      { type, id, code, retryable, retry_after_ms },
      { type: 'error', id: frame.id, code: 'overloaded', retryable: true, retry_after_ms: 1_000 },
    );
  }
  socket.terminate();

  for (const answer of seen()) {
    const stopped = await post(`/v1/inferences/${answer.inferenceId}/cancel`, { token: answer.token });
    assert.equal(stopped.status, 202);
  }
  for (const answer of await Promise.all(held)) assert.equal(answer.outcome, 'cancelled');
  await checkRecorded();
});

test('ten times as many sockets as may be open: the rest is refused before it costs anything', async () => {
  const sockets = Array.from(
    { length: MOST_SOCKETS * TIMES },
    () => new WebSocket(`${narrow().replace('http', 'ws')}/v1/chat`),
  );
  const outcomes = await Promise.all(
    sockets.map(async (socket) => {
      socket.on('error', () => undefined);
      const opened = once(socket, 'open').then(
        () => 'open',
        () => 'failed',
      );
      const refused = once(socket, 'unexpected-response').then(([, response]) => {
        // The arguments of the event as ws documents them.
        const { statusCode, headers } = response as IncomingMessage;
        return `${statusCode} ${headers['retry-after']}`;
      });
      return Promise.race([opened, refused]);
    }),
  );
  const counts = Map.groupBy(outcomes, (outcome) => outcome);
  for (const socket of sockets) socket.terminate();
  assert.deepEqual(new Set(counts.keys()), new Set(['open', '503 1']));
  assert.equal(counts.get('open')?.length, MOST_SOCKETS);
  await until('a socket may be opened again', async () => {
    const socket = new WebSocket(`${narrow().replace('http', 'ws')}/v1/chat`);
    const opened = await once(socket, 'open').then(
      () => true,
      () => false,
    );
    socket.on('error', () => undefined);
    socket.terminate();
    return opened;
  });
});

test('ten times as many frames as one connection may have in work', async () => {
  const open = watchMetric(wide, 'steno_gateway_open_streams');
  const client = kept(new ChatClient(() => wide));
  const answers = await Promise.all(
    Array.from({ length: MOST_FRAMES * TIMES }, (_, index) =>
      client.ask({ text: `frame ${index} [[tokens=5 pace=200]]` }),
    ),
  );
  const taken = answers.filter(({ outcome }) => outcome === 'completed');
  const refused = answers.filter(({ code }) => code === 'rate_limit_exceeded');
  assert.equal(taken.length + refused.length, answers.length);
  assert.ok(taken.length >= MOST_FRAMES, `only ${taken.length} were taken`);
  assert.ok(refused.length > 0, 'nothing was refused');
  // A client may try again: nothing is known to be wrong with the message.
  for (const { requestId } of refused) assert.equal(client.submissions.get(requestId), 'unknown');
  assert.ok(Math.max(...(await open.stop())) <= MOST_FRAMES, 'more were in work than may be');
  await checkRecorded();
});

test('ten times as many messages as may wait in a conversation: the rest is told that it is busy', async () => {
  const client = kept(new ChatClient(() => wide));
  const running = client.ask({ text: 'the one that runs [[tokens=1000 pace=50]]' });
  const [first] = client.answers.values();
  assert.ok(first !== undefined);
  await until('the first answer streams', () => first.lastSeq >= 0);
  const asked = Array.from({ length: MOST_PARKED * TIMES }, (_, index) =>
    client.ask({ text: `waiting ${index} [[tokens=3]]`, conversation_id: first.conversationId }),
  );
  const seen = (): readonly SeenAnswer[] => [...client.answers.values()];
  const busy = (): readonly SeenAnswer[] => seen().filter(({ code }) => code === 'conversation_busy');
  await until('the others are told', () => busy().length === MOST_PARKED * (TIMES - 1));
  await client.send({ type: 'stop', inference_id: first.inferenceId, token: first.token });
  assert.equal((await running).outcome, 'cancelled');
  const waited = (await Promise.all(asked)).filter(({ outcome }) => outcome === 'completed');
  assert.equal(waited.length, MOST_PARKED);
  await checkRecorded();
});

test('ten times as many records as the log may owe an answer for: refused at once while it is away', async () => {
  const reader = kept(new SseClient(narrow));
  const { inferenceId, token } = await reader.ask('what is judged [[tokens=3]]');
  await own.killBroker();
  const pending = watchMetric(narrow(), 'steno_append_pending_records', 'appender="gateway"');
  const judged = await Promise.all(
    Array.from({ length: MOST_PENDING * TIMES }, async (_, index) => {
      const answer = await post('/v1/feedback', {
        inference_id: inferenceId,
        token,
        comment: `number ${index}`,
      });
      // Every error of ours has this shape.
      const { error } = (await answer.json()) as { error: { code: string } };
      return `${answer.status} ${answer.headers.get('retry-after')} ${error.code}`;
    }),
  );
  const counts = Map.groupBy(judged, (outcome) => outcome);
  assert.deepEqual([...counts].map(([outcome, { length }]) => [outcome, length]).sort(), [
    ['503 1 append_unknown', MOST_PENDING],
    ['503 1 overloaded', MOST_PENDING * (TIMES - 1)],
  ]);
  assert.equal(Math.max(...(await pending.stop())), MOST_PENDING);
  await own.restartBroker();
  const again = kept(new SseClient(narrow));
  await until(
    'messages are taken again',
    async () => (await again.ask('hello [[tokens=3]]')).outcome === 'completed',
    60_000,
  );
  await checkRecorded();
});

function post(path: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(narrow() + path, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** What was acknowledged has its end; what was told that the conversation is busy has that on the log. */
async function checkRecorded(): Promise<void> {
  await until('every turn is measured', async () => {
    const problems = problemsOf(clients.map(withoutBusy), await readRecorded(platform));
    return !problems.some((problem) => problem.includes('measured 0 times'));
  });
  const recorded = await readRecorded(platform);
  assert.deepEqual(problemsOf(clients.map(withoutBusy), recorded).slice(0, 20), []);
  const rejected = new Set(
    recorded.conversations.flatMap(({ type, data }) =>
      type === 'MessageRejected' ? [data.inferenceId] : [],
    ),
  );
  const busy = clients.flatMap(({ answers }) => [...answers.values()].filter(isBusy));
  for (const { inferenceId } of busy) assert.ok(rejected.has(inferenceId), 'a rejection is not on the log');
}

function withoutBusy({
  answers,
  submissions,
}: SseClient | ChatClient): Pick<ChatClient, 'answers' | 'submissions'> {
  return { answers: new Map([...answers].filter(([, answer]) => !isBusy(answer))), submissions };
}

function isBusy({ code }: SeenAnswer): boolean {
  return code === 'conversation_busy';
}
