import { setTimeout as pause } from 'node:timers/promises';
import { parseConfig } from '../../../runtime/config.ts';
import type { EventLog } from '../../../streams/event-log.ts';
import { connectEvents } from '../../../streams/kafka/connect.ts';
import { datasets, requestTopic, topicName } from '../../../streams/topics.ts';
import type { Evidence, PoisonRecord, Witnessed } from '../../checker/evidence.ts';
import { seededRandom, type Random } from '../../support/random.ts';
import { until } from '../../support/until.ts';
import { positionsOf, readDeadLetters, readLogs, readRows, readSince } from './gather.ts';
import { inject, type Injected } from './inject.ts';
import type { Plan, PoisonedDataset } from './plan.ts';
import { slotNames } from './slots.ts';
import { POOLS, TENANTS, type Stage, type Tenant } from './stage.ts';
import { witness, type Ask } from './witness.ts';

export type RoundOutcome = { readonly evidence: Evidence; readonly injected: readonly Injected[] };

/** Clients by transport: each asks one message after the other. */
const CLIENTS: readonly Witnessed['transport'][] = [
  ...(['websocket', 'websocket', 'websocket', 'sse', 'sse', 'responses'] as const),
];
/** A client that waited so long gives up. */
const PATIENCE_MS = 150_000;
const RECOVER_MS = 120_000;
/** A record that no schema can read: the magic byte is wrong. */
const POISON = Buffer.from('07ffffffffdeadbeef', 'hex');

/** Clients ask while faults happen; afterwards everything is read. */
export async function runRound(
  stage: Stage,
  plan: Plan,
  seed: number,
  sizes: Map<string, number>,
  patienceMs = PATIENCE_MS,
): Promise<RoundOutcome> {
  for (const name of slotNames) {
    stage.slot(name).env = { STENO_TEST_CLOCK_MS: String(plan.clocks.get(name) ?? 0) };
  }
  const events = await connectEvents(parseConfig(stage.env), 'checker', POOLS);
  try {
    await until('everything runs', () => slotNames.every((name) => stage.isUp(name)), RECOVER_MS);
    const starts = await positionsOf(events, stage.prefix);
    const began = Date.now();
    const poison: PoisonRecord[] = [];
    const messages: Witnessed[] = [];
    const over = new AbortController();
    const random = seededRandom(seed * 7_919 + plan.round);
    const clients = CLIENTS.map((transport, index) =>
      converse(stage, {
        ...{ transport, name: `r${plan.round}-c${index}`, random: seededRandom(random.between(0, 1e9)) },
        tenant: TENANTS[index % TENANTS.length] ?? TENANTS[0],
        ...{ messages, patienceMs, over: over.signal },
      }),
    );
    await pause(500);
    const injected = await Promise.all(
      plan.faults.map((fault) =>
        inject(stage, fault, {
          poison: (dataset) => appendPoison(events, stage.prefix, dataset, random),
          onPoison: (record) => poison.push(record),
        }),
      ),
    );
    await until('everything runs again', () => slotNames.every((name) => stage.isUp(name)), RECOVER_MS);
    over.abort();
    await Promise.all(clients);
    const evidence = await settle(stage, events, {
      ...{ starts, messages, poison, began, sizes, patienceMs },
    });
    stage.poison.push(...poison);
    return { evidence, injected };
  } finally {
    await events.log.close();
  }
}

type Client = {
  readonly transport: Witnessed['transport'];
  readonly name: string;
  readonly tenant: Tenant;
  readonly random: Random;
  readonly messages: Witnessed[];
  readonly patienceMs: number;
  readonly over: AbortSignal;
};

async function converse(stage: Stage, client: Client): Promise<void> {
  const { transport, name, tenant, random, messages, patienceMs, over } = client;
  let conversation: string | null = null;
  for (let index = 0; !over.aborted; index += 1) {
    const canary = `canary-${name}-${index}-${random.between(100_000, 999_999)}`;
    const ask: Ask = {
      ...{
        key: `${name}-${index}-${random.between(0, 1e9)}`,
        tenant,
        apiKey: stage.keyOf(tenant),
        transport,
        canary,
      },
      text: textOf(canary, random),
      continues: transport !== 'responses' && random.chance(0.6) ? conversation : null,
      leavesAfter: random.chance(0.2) ? random.between(1, 20) : null,
      stopsAfter: transport !== 'responses' && random.chance(0.05) ? random.between(1, 10) : null,
    };
    const around = { gateways: stage.gateways, random, patienceMs };
    const asks = [ask];
    // The same message at the same time, perhaps at the other gateway.
    if (random.chance(0.15)) asks.push({ ...ask, leavesAfter: null, stopsAfter: null });
    const seen = await Promise.all(asks.map((one) => witness(one, around)));
    messages.push(...seen);
    const [first] = seen;
    conversation = first?.outcome === 'completed' ? first.conversationId : null;
  }
}

/** The engine answers with the message itself: so an answer shows whose it is. */
function textOf(canary: string, random: Random): string {
  const words = Array.from({ length: random.between(15, 40) }, () => random.pick(WORDS));
  const directives = [`echo=1`, `pace=${random.between(2, 12)}`];
  if (random.chance(0.05)) directives.push(`fail=after:${random.between(4, 12)}`);
  if (random.chance(0.05)) directives.push(`unavailable=after:${random.between(4, 12)}`);
  return `${canary} ${words.join(' ')} [[${directives.join(' ')}]]`;
}

const WORDS = ['river', 'Straße', 'morning', '雪', 'copper', 'naïve', 'seven', '🙂', 'window', 'quiet'];

async function appendPoison(
  events: EventLog,
  prefix: string,
  dataset: PoisonedDataset,
  random: Random,
): Promise<PoisonRecord> {
  const topic = {
    conversations: topicName(prefix, datasets.conversations),
    requests: requestTopic(prefix, 'scripted', 'interactive'),
    turns: topicName(prefix, datasets.turns),
  }[dataset];
  const partition = random.between(0, (await events.log.partitionCount(topic)) - 1);
  const appender = events.log.openAppender('poison');
  try {
    const value = Buffer.concat([POISON, Buffer.from(String(random.between(0, 1e9)))]);
    for (;;) {
      try {
        await appender.append([{ topic, partition, key: 'poison', value }]);
        break;
      } catch {
        // The broker is down in this round too: the idempotent producer appends it once.
        await pause(250);
      }
    }
    return {
      topic,
      partition,
      offset: await offsetOf(events, topic, partition, value),
      hex: value.toString('hex'),
    };
  } finally {
    await appender.close();
  }
}

async function offsetOf(events: EventLog, topic: string, partition: number, value: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const follower = events.log.openFollower({
      name: 'find-poison',
      onFailure: reject,
      onBatch({ records }) {
        const found = records.find((record) => record.value?.equals(value) === true);
        if (found !== undefined) void follower.stop().then(() => resolve(found.offset), reject);
      },
    });
    follower.add(topic, partition, 'earliest').catch(reject);
  });
}

type Run = {
  readonly starts: Awaited<ReturnType<typeof positionsOf>>;
  readonly messages: readonly Witnessed[];
  readonly poison: readonly PoisonRecord[];
  readonly began: number;
  readonly sizes: Map<string, number>;
  readonly patienceMs: number;
};

/** Reads all sides once what follows the ends (measures, usage, rows) is there, or has had its time. */
async function settle(stage: Stage, events: EventLog, run: Run): Promise<Evidence> {
  const { starts, messages, poison } = run;
  const read = async (): Promise<Pick<Evidence, 'log' | 'deadLetters'>> => ({
    log: await readSince(events, stage.prefix, starts),
    deadLetters: await readDeadLetters(events, stage.prefix, starts),
  });
  let last = await read();
  const isQuiet = async (): Promise<boolean> => {
    await pause(300);
    const next = await read();
    const same = Object.keys(last.log).every(
      (name) =>
        next.log[name as keyof Evidence['log']].length === last.log[name as keyof Evidence['log']].length,
    );
    const measured = new Set(
      next.log.turns.flatMap((event) => (event.type === 'TurnMeasured' ? [event.data.inferenceId] : [])),
    );
    const isMeasured = messages.every(
      ({ submission, inferenceId }) => submission !== 'accepted' || measured.has(inferenceId ?? ''),
    );
    last = next;
    return same && isMeasured && next.deadLetters.length >= poison.length;
  };
  // What never comes is for the rules to tell.
  await until('nothing more is appended', isQuiet, Math.min(40_000, run.patienceMs)).catch(() => undefined);
  return {
    ...last,
    messages,
    poison,
    poisonBefore: [...stage.poison],
    again: [],
    rows: await readRows(events, stage.dataDir, stage.prefix, messages),
    logLines: await readLogs(stage.dataDir, run.sizes),
    secrets: stage.secrets,
    began: run.began,
    ended: Date.now(),
  };
}
