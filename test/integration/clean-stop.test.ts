import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { prepareTurnGroup, workersGroup } from '../../streams/groups.ts';
import { openKafkaAdmin } from '../../streams/kafka/admin.ts';
import { ChatClient, type SeenAnswer } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import type { RoleProcess } from '../support/role-process.ts';
import { SseClient } from '../support/sse-client.ts';
import { until } from '../support/until.ts';

/** P12: on SIGTERM not ready at once, nothing new after 1 s, work handed over, exit 0 within 30 s, nothing lost or doubled. */

const SOCKETS = 10;
const ANSWERS_PER_SOCKET = 4;
const SSE_CLIENTS = 10;
const ROLES = ['gateway', 'processors', 'inference-worker', 'projections'] as const;
/** Eight seconds. */
const LONG = '[[tokens=200 pace=40]]';
/** Ten times what the gateway promises. */
const NOTHING_NEW_MS = 10_000;

let platform: Platform;
/** Gateways that take messages: clients are sent to these, as a load balancer would by /readyz. */
let gateways: RoleProcess[] = [];
let sent = 0;

before(async () => {
  platform = await startPlatform({ roles: [...ROLES, ...ROLES] });
  gateways = platform.roles.filter(({ name }) => name === 'gateway');
});
after(async () => {
  await platform.stop();
});

const anyGateway = (): string => gateways[(sent += 1) % gateways.length]?.address ?? '';

test('a rolling restart of every role under 50 open streams loses, doubles and cuts nothing', async (context) => {
  const sockets = Array.from({ length: SOCKETS }, () => new ChatClient(anyGateway));
  const readers = Array.from({ length: SSE_CLIENTS }, () => new SseClient(anyGateway));
  const stayers: SseClient[] = [];
  const answers = (): readonly SeenAnswer[] => [...sockets, ...readers].flatMap(seenBy);
  let rolling = true;
  context.after(() => {
    rolling = false;
    for (const client of [...sockets, ...readers, ...stayers]) client.close();
  });
  const asks = [
    ...sockets.flatMap((client) =>
      Array.from({ length: ANSWERS_PER_SOCKET }, () => (text: string) => client.ask({ text })),
    ),
    ...readers.map((client) => (text: string) => client.ask(text)),
  ];
  const asked = asks.map(async (ask, index) => {
    for (let turn = 0; turn === 0 || rolling; turn += 1)
      await ask(`question ${index} of turn ${turn} ${LONG}`);
  });
  await until('50 answers stream', () => answers().filter(isHalfway).length === asks.length, 60_000);

  for (const role of ROLES) {
    for (const old of platform.roles.filter(({ name }) => name === role)) {
      await until('most answers stream', () => answers().filter(isHalfway).length > asks.length / 2);
      const successor = await platform.start(role);
      if (role === 'gateway') stayers.push(await replaceGateway(old, successor));
      else await stop(old);
    }
  }
  rolling = false;
  await Promise.all(asked);

  const clients = [...sockets, ...readers, ...stayers];
  await until('every turn is measured', async () => {
    const problems = problemsOf(clients, await readRecorded(platform));
    return !problems.some((problem) => problem.includes('measured 0 times'));
  });
  const recorded = await readRecorded(platform);
  assert.deepEqual(problemsOf(clients, recorded).slice(0, 20), []);
  const accepted = clients.flatMap(seenBy).filter(({ token }) => token !== '');
  assert.deepEqual(new Set(accepted.map(({ outcome, code }) => code ?? outcome)), new Set(['completed']));
  const again = recorded.deltas.filter(({ type, data }) => type === 'AttemptStarted' && data.attempt > 1);
  assert.ok(again.length > 0, 'no answer was handed from worker to worker');
  assert.ok(
    readers.some(({ drains }) => drains > 0),
    'no reader of events was told to go on elsewhere',
  );
});

/** Stops a gateway under a client that does not go when it is asked to. Returns that client. */
async function replaceGateway(old: RoleProcess, successor: RoleProcess): Promise<SseClient> {
  const stayer = new SseClient(anyGateway, true);
  const stayed = stayer.ask(`one that stays ${LONG}`, old.address ?? '');
  const socket = new WebSocket(`${old.address?.replace('http', 'ws') ?? ''}/v1/chat`);
  const frames: Record<string, unknown>[] = [];
  // Every frame of ours is a JSON object.
  socket.on('message', (data: Buffer) =>
    frames.push(JSON.parse(data.toString('utf8')) as Record<string, unknown>),
  );
  const closed = once(socket, 'close');
  await until('the one that stays reads', () => seenBy(stayer).some(isHalfway) && socket.readyState === 1);

  gateways = [...gateways.filter((item) => item !== old), successor];
  const stopped = stop(old);
  const signalledAt = performance.now();
  let refused = false;
  let lastTaken = signalledAt;
  while (old.child.exitCode === null) {
    const answer = await stayer.ask('is anything new taken? [[tokens=1]]', old.address ?? '');
    if (answer.token !== '') {
      assert.ok(!refused, 'a message was taken after one was refused');
      lastTaken = performance.now();
    } else if (answer.code === 'draining' && !refused) {
      refused = true;
      socket.send('{"type":"message","text":"is anything new taken?","id":"late"}');
      socket.send('{"type":"resume","inference_id":"inf_of-nobody","id":"late-too"}');
    }
  }
  await stopped;
  await stayed;
  assert.ok(refused, 'nothing was refused');
  assert.ok(lastTaken - signalledAt < NOTHING_NEW_MS, 'messages were taken for too long');
  for (const { status, retryAfter } of stayer.refusals) assert.deepEqual([status, retryAfter], [503, '1']);
  assert.equal(stayer.breaks, 1, 'the stream of a client that stays must break off once');
  assert.deepEqual(
    frames.map(({ type, id, code }) => [type, id, code]),
    [
      ['draining', undefined, undefined],
      ['error', 'late', 'draining'],
      ['error', 'late-too', 'draining'],
    ],
  );
  assert.equal((await closed)[0], 1012);
  return stayer;
}

/** Stops a process as an orchestrator does. */
async function stop(old: RoleProcess): Promise<void> {
  old.child.kill('SIGTERM');
  await until(`${old.name} says that it is not ready`, async () => {
    const response = await fetch(`${old.health}/readyz`).catch(() => null);
    await response?.body?.cancel();
    return response === null ? old.child.exitCode !== null : response.status === 503;
  });
  assert.deepEqual(await old.exited, { code: 0, signal: null }, `${old.name} did not stop cleanly`);
}

test('a worker that stops has left its group when it exits: the others need not wait for its session to end', async () => {
  const admin = await openKafkaAdmin(platform.cluster.kafka);
  const group = workersGroup(platform.cluster.prefix, 'scripted');
  try {
    await stop(platform.find('inference-worker'));
    assert.equal((await admin.groupMembers(group)).length, 1);
    await stop(platform.find('processors'));
    assert.equal((await admin.groupMembers(prepareTurnGroup(platform.cluster.prefix))).length, 1);
  } finally {
    await admin.close();
  }
});

function seenBy(client: { readonly answers: ReadonlyMap<string, SeenAnswer> }): readonly SeenAnswer[] {
  return [...client.answers.values()];
}

function isHalfway(answer: SeenAnswer): boolean {
  return answer.lastSeq > 2 && answer.outcome === null;
}
