import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { parseConfig } from '../../runtime/config.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { apiOf } from '../support/api.ts';
import { subscribeOnce, type Delivered } from '../support/event-subscriber.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { seededRandom } from '../support/random.ts';
import { readTopic } from '../support/read-topic.ts';
import { kill9, stopRole, type RoleProcess } from '../support/role-process.ts';

/**
 * P22: subscriptions deliver every matching event at least once, in order per key, with a stable id, whichever gateway
 * dies and wherever a connection is cut. A failure names the seed that repeats it.
 */

const SEED = Number(process.env['STENO_SUBSCRIPTION_SEED'] ?? 22);
const ROUNDS = Number(process.env['STENO_SUBSCRIPTION_ROUNDS'] ?? 5);
const TURNS_PER_ROUND = 30;
const SUBSCRIBERS = 3;
const TOPICS = ['conversations', 'turns'] as const;

let platform: Platform;
let gateways: RoleProcess[] = [];
let next = 0;

before(async () => {
  platform = await startPlatform({
    roles: ['processors', 'inference-worker', 'projections', 'gateway', 'gateway'],
  });
  gateways = platform.roles.filter(({ name }) => name === 'gateway');
});
after(() => platform.stop());

const anyGateway = (): string => gateways[(next += 1) % gateways.length]?.address ?? '';

/** A subscriber that keeps nothing but its cursor, and that is cut after a random number of events. */
function subscriber(seed: number): { readonly seen: Delivered[]; cuts: number; stop: () => Promise<void> } {
  const random = seededRandom(seed);
  const ending = new AbortController();
  const state = { seen: [] as Delivered[], cuts: 0 };
  let cursor: string | null = null;
  const running = (async () => {
    while (!ending.signal.aborted) {
      const most = random.between(1, 40);
      try {
        ({ cursor } = await subscribeOnce(anyGateway(), `topics=${TOPICS.join(',')}&from=earliest`, {
          cursor,
          signal: ending.signal,
          enough: ({ events }) => events.length >= most,
          onEvent: (event) => void state.seen.push(event),
        }));
      } catch {
        await pause(20);
      }
      state.cuts += 1;
    }
  })();
  return {
    seen: state.seen,
    get cuts() {
      return state.cuts;
    },
    async stop() {
      ending.abort();
      await running;
    },
  };
}

async function recorded(): Promise<readonly LoggedEvent[]> {
  const events = await connectEvents(parseConfig(platform.env), 'subscriptions-test', ['scripted', 'small']);
  try {
    const read = TOPICS.map((topic) =>
      readTopic(events, topicName(platform.cluster.prefix, datasets[topic])),
    );
    return (await Promise.all(read)).flat();
  } finally {
    await events.log.close();
  }
}

test(`${ROUNDS} rounds of kill -9 and ${SUBSCRIBERS} subscribers that are cut at random lose nothing`, async (context) => {
  const random = seededRandom(SEED);
  const subscribers = Array.from({ length: SUBSCRIBERS }, (_, index) => subscriber(SEED * 100 + index));
  context.after(() => Promise.all(subscribers.map((each) => each.stop())));
  for (let round = 0; round < ROUNDS; round += 1) {
    const asked = Array.from({ length: TURNS_PER_ROUND }, (_, turn) =>
      apiOf(anyGateway(), null)
        .send('POST', '/conversation', { message: `round ${round} turn ${turn} [[tokens=3]]` })
        .catch(() => null),
    );
    await pause(random.between(50, 400));
    const [victim] = gateways.splice(random.between(0, gateways.length - 1), 1);
    assert.ok(victim !== undefined);
    if (random.chance(0.7)) await kill9(victim);
    else await stopRole(victim);
    gateways.push(await platform.start('gateway'));
    await Promise.all(asked);
  }

  // A last one, after which everything before it was read.
  let settled = -1;
  let log = await recorded();
  while (log.length !== settled) {
    settled = log.length;
    await pause(1_000);
    log = await recorded();
  }
  const wanted = new Set(log.map(placeOf));
  assert.ok(wanted.size > ROUNDS * TURNS_PER_ROUND, `${wanted.size} events`);
  for (const [index, each] of subscribers.entries()) {
    const missing = (): readonly string[] => {
      const got = new Set(each.seen.map(placeOfDelivered));
      return [...wanted].filter((place) => !got.has(place));
    };
    const deadline = Date.now() + 60_000;
    while (missing().length > 0 && Date.now() < deadline) await pause(100);
    await each.stop();
    const what = `subscriber ${index} of seed ${SEED}, cut ${each.cuts} times`;
    assert.deepEqual(missing().slice(0, 5), [], what);
    assert.ok(each.cuts > ROUNDS, what);
    inOrder(each.seen, what);
    stableIds(each.seen, log, what);
  }
});

/** What comes for the first time comes in the order of its key. */
function inOrder(seen: readonly Delivered[], what: string): void {
  const firsts = new Map<string, number[]>();
  const known = new Set<string>();
  for (const event of seen) {
    if (known.has(placeOfDelivered(event))) continue;
    known.add(placeOfDelivered(event));
    const key = `${event.stenotopic}:${event.subject ?? ''}`;
    firsts.set(key, [...(firsts.get(key) ?? []), event.stenooffset]);
  }
  for (const [key, offsets] of firsts)
    assert.deepEqual(
      offsets,
      [...offsets].sort((one, other) => one - other),
      `${what}: ${key}`,
    );
}

/** What lies at one place has one id, the one that is on the log, however often it was delivered. */
function stableIds(seen: readonly Delivered[], log: readonly LoggedEvent[], what: string): void {
  const ids = new Map(
    log.map((event) => [placeOf(event), 'eventId' in event.data ? event.data.eventId : '']),
  );
  for (const event of seen)
    assert.equal(event.id, ids.get(placeOfDelivered(event)), `${what}: ${placeOfDelivered(event)}`);
}

function placeOf({ topic, partition, offset }: LoggedEvent): string {
  const name = TOPICS.find((known) => topic.endsWith(`.${known}.v1`));
  return `${name}:${partition}:${offset}`;
}

function placeOfDelivered({ stenotopic, stenopartition, stenooffset }: Delivered): string {
  return `${stenotopic}:${stenopartition}:${stenooffset}`;
}
