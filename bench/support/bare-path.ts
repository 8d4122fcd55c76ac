import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { openKafkaAdmin } from '../../streams/kafka/admin.ts';
import type { KafkaOptions } from '../../streams/kafka/connection.ts';
import { openKafkaLog } from '../../streams/kafka/open-log.ts';
import type { Batch } from '../../streams/log.ts';
import { readDelta, writeQuestion } from './bare-record.ts';
import type { Path, Slot, Turn } from './load.ts';
import { DELTAS_PER_TURN } from './questions.ts';
import type { Measured } from './usage.ts';
import { VoidRun } from './void-run.ts';

const STAGE = fileURLToPath(new URL('../bare-stage.ts', import.meta.url));

type Open = {
  readonly sentAt: number;
  firstMs: number;
  nextSeq: number;
  readonly resolve: (turn: Turn) => void;
  readonly reject: (error: unknown) => void;
};

export type BarePath = Path & {
  readonly processes: readonly Measured[];
  /** The same path, with deltas so many milliseconds apart. */
  paced(paceMs: number, clients: number): Path;
};

/**
 * The limit: client -> topic A -> stage -> topic B -> stage -> topic C -> client, twenty deltas a turn, with our
 * appender and follower and nothing else, stages in processes of their own as our roles are. No WebSocket, no schema,
 * no state; one partition each.
 */
export async function openBarePath(kafka: KafkaOptions, prefix: string, clients: number): Promise<BarePath> {
  await using cleanup = new AsyncDisposableStack();
  const topics = ['a', 'b', 'c'].map((name) => `${prefix}.bare-${name}`);
  const [a = '', b = '', c = ''] = topics;
  const admin = await openKafkaAdmin(kafka);
  for (const name of topics) {
    await admin.createTopic({
      name,
      partitions: 1,
      configs: { 'message.timestamp.type': 'LogAppendTime' },
      replicas: 1,
    });
  }
  await admin.close();
  const stages = await Promise.all([startStage(kafka, a, b, 0), startStage(kafka, b, c, DELTAS_PER_TURN)]);
  cleanup.defer(() => stopStages(stages));

  const log = await openKafkaLog({ ...kafka, clientId: `${kafka.clientId}-bare` });
  cleanup.defer(() => log.close());
  const appender = log.openAppender('bare');
  cleanup.defer(() => appender.close());
  const open = new Map<number, Open>();
  let turns = 0;

  function fail(error: unknown): void {
    for (const { reject } of open.values()) reject(error);
    open.clear();
  }

  function handle(batch: Batch): void {
    const now = performance.now();
    for (const { value } of batch.records) {
      const delta = value === null ? null : readDelta(value);
      const turn = delta === null ? undefined : open.get(delta.turn);
      if (delta === null || turn?.nextSeq !== delta.seq) {
        return fail(new VoidRun('the bare path lost, doubled or reordered a delta'));
      }
      if (turn.nextSeq === 0) turn.firstMs = now - turn.sentAt;
      turn.nextSeq += 1;
      if (turn.nextSeq < DELTAS_PER_TURN) continue;
      open.delete(delta.turn);
      turn.resolve({ firstMs: turn.firstMs, totalMs: now - turn.sentAt, deltas: DELTAS_PER_TURN });
    }
  }

  const follower = log.openFollower({ name: 'bare', onBatch: handle, onFailure: fail });
  cleanup.defer(() => follower.stop());
  await follower.add(c, 0, 'end');

  function ask(paceMs: number): Promise<Turn> {
    turns += 1;
    const turn = turns;
    return new Promise((resolve, reject) => {
      open.set(turn, { sentAt: performance.now(), firstMs: Number.NaN, nextSeq: 0, resolve, reject });
      appender
        .append([{ topic: a, partition: 0, key: 'bare', value: writeQuestion(turn, paceMs) }])
        .catch(fail);
    });
  }

  function slotsOf(paceMs: number, count: number): readonly Slot[] {
    return Array.from({ length: count }, () => ({ turn: () => ask(paceMs) }));
  }

  const started = cleanup.move();
  return {
    name: 'bare',
    slots: slotsOf(0, clients),
    paced: (paceMs, count) => ({
      name: 'bare',
      slots: slotsOf(paceMs, count),
      close: () => Promise.resolve(),
    }),
    processes: stages.map((stage, index) => ({
      name: `bare stage ${index + 1}`,
      pid: stage.pid ?? 0,
      metricsUrl: null,
    })),
    close: () => started.disposeAsync(),
  };
}

async function startStage(
  kafka: KafkaOptions,
  from: string,
  to: string,
  deltas: number,
): Promise<ChildProcess> {
  const stage = fork(
    STAGE,
    [JSON.stringify({ ...kafka, clientId: `${kafka.clientId}-${to}` }), from, to, String(deltas)],
    { execArgv: ['--disable-warning=ExperimentalWarning'] },
  );
  const ended = once(stage, 'exit').then(() => {
    throw new VoidRun('a bare stage ended while it started');
  });
  await Promise.race([once(stage, 'message'), ended]);
  ended.catch(() => undefined);
  return stage;
}

async function stopStages(stages: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    stages.map(async (stage) => {
      if (stage.exitCode !== null || stage.signalCode !== null) return;
      stage.kill('SIGTERM');
      await once(stage, 'exit');
    }),
  );
}
