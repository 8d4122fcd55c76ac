import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../runtime/errors.ts';
import type { RoleContext, RunningRole } from '../runtime/role.ts';
import type { LoggedEvent } from '../streams/event.ts';
import type { EventLog } from '../streams/event-log.ts';
import { openReadUntil } from '../streams/read-until.ts';
import { runGroup, type Assignment, type GroupControl } from '../streams/runner/run-group.ts';
import { followCancellations } from './cancellations.ts';
import type { Engine } from './engine.ts';
import { followAnswers } from './follow-answers.ts';
import { LowWater } from './low-water.ts';
import { createRetryBudget } from './retry-budget.ts';
import { runRequest, type RunPorts } from './run-request.ts';
import { watchRuns } from './run-watch.ts';
import { Slots } from './slots.ts';
import type { WorkerIdentity } from './terminal.ts';
import { startSampling } from './worker-samples.ts';

/** Requests of one partition that may be taken above its low-water mark. */
const MAX_TAKEN = 64;
const COMMIT_EVERY_MS = 250;
const FRESH_POLL_MS = 50;
/** Requests of one partition remembered, to know a repeat by. */
const REMEMBERED = 20_000;

export type WorkerPorts = {
  readonly context: RoleContext;
  readonly events: EventLog;
  readonly engine: Engine;
  readonly worker: WorkerIdentity;
  readonly model: string;
  readonly limits: RunPorts['limits'];
  readonly group: string;
  /** Request topics of the pool, one per tier. */
  readonly requestTopics: readonly string[];
  /** Those that may answer where this one cannot. */
  readonly models: RunPorts['models'];
  readonly topics: RunPorts['topics'] & { readonly control: string; readonly metrics: string };
  readonly deadLetters: { readonly topic: string; readonly partitions: number };
};

type Taking = {
  readonly water: LowWater;
  /** Records below were there before the partition was ours: somebody may have started them. */
  readonly knownBefore: number;
  readonly seen: Set<string>;
  committed: number;
  resume: (() => void) | null;
};

/** Runs a worker: it is ready once its engine gave a first token and it is a member of its pool's group. */
export async function startWorker(ports: WorkerPorts): Promise<RunningRole> {
  const { context, events, engine } = ports;
  const { logger, metrics } = context;
  await engine.start();
  const first = events.openAppender('worker-first');
  const deltas = events.openAppender('worker-deltas', 'soon');
  const records = events.openAppender('worker-records', 'soon');
  const usage = events.openAppender('worker-usage', 'later');
  const reading = openReadUntil(events, 'take-over');
  const slots = new Slots(engine.slots);
  const retries = createRetryBudget();
  const poison = metrics.counter('steno_worker_poison_records_total', 'Cancellations that nobody can read.');
  const unreadable = metrics.counter(
    'steno_worker_cache_poison_total',
    'Cached answers that nobody can read.',
  );
  const onFailure = context.fail;
  const [cancellations, answers] = await Promise.all([
    followCancellations(events, ports.topics.control, { onPoison: () => poison.add(), onFailure }),
    followAnswers(events, ports.topics.answers, { onPoison: () => unreadable.add(), onFailure }),
  ]);
  const { cache } = answers;
  metrics.gauge('steno_worker_cache_bytes', 'What is kept of answers to give again.', () => cache.bytes);
  const taking = new Map<Assignment, Taking>();
  const running = new Set<Promise<void>>();
  const outcomes = metrics.counter('steno_inferences_total', 'Inferences ended here.', ['outcome']);
  const tokens = metrics.counter('steno_output_tokens_total', 'Tokens produced here.');
  metrics.gauge('steno_worker_slots_active', 'Inferences that run.', () => slots.active);
  metrics.gauge('steno_worker_requests_open', 'Requests taken and not yet ended.', () => running.size);
  metrics.gauge('steno_worker_queue', 'Requests taken and waiting for a slot.', () => slots.waiting);
  metrics.gauge(
    'steno_worker_requests_limit',
    'Requests that may be taken and not ended, over all partitions of this worker.',
    () => MAX_TAKEN * taking.size,
  );
  let isFresh: () => boolean = () => false;
  let produced = 0;

  const watchRun = watchRuns(context, ports.worker, ports.model, ports.group);
  const run: Omit<RunPorts, 'watch'> = {
    events,
    first,
    deltas,
    records,
    usage,
    reading,
    engine,
    slots,
    cancellations,
    worker: ports.worker,
    topics: ports.topics,
    limits: ports.limits,
    models: ports.models,
    retries,
    answers: cache,
    isFresh: () => isFresh(),
    onOutcome(outcome, count) {
      outcomes.add({ outcome });
      tokens.add({}, count);
      produced += count;
    },
    logger,
  };

  function take(
    assignment: Assignment,
    event: LoggedEvent,
    isRedriven: boolean,
    state: Taking,
    control: GroupControl,
  ): void {
    if (event.type !== 'InferenceRequested') return;
    const { eventId, inferenceId, fallbackFrom } = event.data;
    // Delivered twice within one assignment: the first is ours and still counts.
    if (state.seen.has(eventId)) return;
    remember(state.seen, eventId);
    retries.deposit();
    state.water.take(event.offset);
    // What was given again may have ended meanwhile, what another model was asked may have begun: as a taker the worker
    // looks before it calls the model.
    const redelivered = isRedriven || event.offset < state.knownBefore || fallbackFrom.length > 0;
    const options = { redelivered, signal: assignment.signal };
    const watch = watchRun(event);
    const task = runRequest({ ...run, watch }, event, options).then(
      () => {
        watch.closed(null);
        state.water.done(event.offset);
        if (state.water.open < MAX_TAKEN) state.resume?.();
      },
      (error: unknown) => {
        watch.closed(errorCode(error));
        if (assignment.signal.aborted) return;
        if (errorCode(error) === 'membership_lost') {
          logger.warn('gave up a run: the membership may be lost', { inferenceId });
          void beginAnew(assignment, control);
          return;
        }
        context.fail(error);
      },
    );
    running.add(task);
    void task.finally(() => running.delete(task));
  }

  /** Runs were given up but the partition may still be ours: as soon as that is certain, it is taken over from ourselves. */
  async function beginAnew(assignment: Assignment, control: GroupControl): Promise<void> {
    while (!assignment.signal.aborted && !isFresh()) await pause(FRESH_POLL_MS);
    if (!assignment.signal.aborted) control.restart(assignment);
  }

  const group = await runGroup({
    events,
    group: ports.group,
    topics: ports.requestTopics,
    deadLetters: ports.deadLetters,
    logger,
    onFailure: context.fail,
    handler: {
      tracesItself: true,
      async start(assignment, membership) {
        const { topic, partition } = assignment;
        const [committed] = await membership.committed([assignment]);
        const end = (await events.log.offsets(topic, 'end'))[partition] ?? 0;
        const first = (await events.log.offsets(topic, 'earliest'))[partition] ?? 0;
        const from = Math.max(committed?.offset ?? first, first);
        taking.set(assignment, {
          water: new LowWater(from),
          knownBefore: end,
          seen: new Set(),
          committed: from,
          resume: null,
        });
        return from;
      },
      handle(assignment, arrived, batch, control) {
        const state = taking.get(assignment);
        if (state === undefined) return undefined;
        for (const event of arrived)
          take(assignment, event, batch.redriven?.includes(event.offset) === true, state, control);
        // Also past records that were set aside: after a restart they are not set aside again.
        state.water.pass(batch.nextOffset);
        if (state.water.open < MAX_TAKEN) return undefined;
        return new Promise<void>((resolve) => {
          state.resume = (): void => {
            state.resume = null;
            resolve();
          };
          assignment.signal.addEventListener('abort', () => state.resume?.(), { once: true });
        });
      },
      async leaving() {
        clearInterval(timer);
        await committing;
        await commit().catch(() => undefined);
      },
      // What runs is aborted by the assignment's signal: whoever has the partition next goes on after its last delta.
      revoked(assignment) {
        taking.delete(assignment);
      },
    },
  });
  isFresh = () => group.membership.isFresh();

  async function commit(): Promise<void> {
    const offsets = [...taking].flatMap(([{ topic, partition }, state]) => {
      const offset = state.water.committable;
      return offset > state.committed ? [{ topic, partition, offset, state }] : [];
    });
    if (offsets.length === 0) return;
    await group.membership.commit(
      offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
    );
    for (const { state, offset } of offsets) state.committed = offset;
  }

  let committing: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    // A commit that fails is made again with the next: until then requests may be delivered twice, which is allowed.
    committing = committing.then(commit).catch((error: unknown) => {
      logger.warn('cannot commit offsets yet', { code: errorCode(error) });
    });
  }, COMMIT_EVERY_MS);
  const samplesDropped = metrics.counter(
    'steno_worker_samples_dropped_total',
    'Samples that could not be appended.',
  );
  const sampling = startSampling(
    events,
    ports.topics.metrics,
    ports.worker,
    ports.model,
    () => ({
      ...{ slots: engine.slots, active: slots.active, queued: slots.waiting, produced },
      breakerOpen: breakerOf(engine),
    }),
    () => samplesDropped.add(),
  );

  // Ready only when a new request is seen as new: one that was there before would cost a takeover.
  await group.reading();
  return {
    isReady: () => isFresh(),
    facts: () => ({
      slots: engine.slots,
      active: slots.active,
      queued: slots.waiting,
      partitions: group.assigned().length,
      lag: [...group.lag().values()].reduce((sum, lag) => sum + lag, 0),
      ...engine.facts?.(),
    }),
    async stop() {
      sampling.stop();
      await group.stop();
      await Promise.allSettled(running);
      await Promise.all([cancellations.stop(), answers.stop()]);
      await engine.stop();
      await reading.stop();
      await first.close();
      await deltas.close();
      await records.close();
      await usage.close();
    },
  };
}

/** Null for an engine that asks no backend. */
function breakerOf(engine: Engine): boolean | null {
  const open = engine.facts?.()['breakerOpen'];
  return open === undefined ? null : open > 0;
}

function remember(seen: Set<string>, inferenceId: string): void {
  seen.add(inferenceId);
  if (seen.size <= REMEMBERED) return;
  for (const oldest of seen) {
    seen.delete(oldest);
    return;
  }
}
