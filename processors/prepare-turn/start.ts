import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../../runtime/errors.ts';
import type { RoleContext, RunningRole } from '../../runtime/role.ts';
import type { RowStore } from '../../storage/row-store.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { openReadUntil } from '../../streams/read-until.ts';
import { runGroup, type Assignment, type GroupControl } from '../../streams/runner/run-group.ts';
import { Deadlines } from './shell/deadlines.ts';
import { OverdueEnder } from './shell/end-overdue.ts';
import { findPosition } from './shell/find-position.ts';
import { FoldPartition } from './shell/fold-partition.ts';
import { deadlineOf, type Rules } from './rules.ts';

/** How long rows may wait for their commit: a crash repeats at most so much work, under the same ids. */
const COMMIT_EVERY_MS = 250;
const DEADLINES_EVERY_MS = 250;
/** How long a stop waits for the log to acknowledge what was folded. */
const SAVE_MS = 5_000;
const SAVE_POLL_MS = 10;
/** Batches of a partition that may wait for their commit before its next record does. */
const MAX_UNSAVED = 500;

export type PrepareTurnPorts = {
  readonly context: RoleContext;
  readonly events: EventLog;
  readonly store: RowStore;
  readonly rules: Omit<Rules, 'conversationPartition'>;
  readonly group: string;
  readonly deadLetters: { readonly topic: string; readonly partitions: number };
};

type Folding = {
  readonly fold: FoldPartition;
  readonly deadlines: Deadlines;
  readonly overdue: OverdueEnder;
};

/** Runs prepare-turn: a member of its group that folds the partitions it is given. */
export async function startPrepareTurn(ports: PrepareTurnPorts): Promise<RunningRole> {
  const { context, events, store, group } = ports;
  const { logger } = context;
  const topic = ports.rules.topics.conversations;
  const appender = events.openAppender('prepare-turn');
  const endings = events.openAppender('prepare-turn-ends', 'soon');
  const reading = openReadUntil(events, 'overdue');
  const measures = events.openAppender('prepare-turn-measures', 'later');
  const topicId = await events.log.topicId(topic);
  const folding = new Map<Assignment, Folding>();
  const prepared = context.metrics.counter(
    'steno_prepare_turn_events_total',
    'Events of conversations folded.',
  );
  const sumOf = (read: (found: Folding) => number): number =>
    [...folding.values()].reduce((sum, found) => sum + read(found), 0);
  context.metrics.gauge('steno_prepare_turn_open_inferences', 'Inferences that have not ended.', () =>
    sumOf(({ deadlines }) => deadlines.size),
  );
  context.metrics.gauge('steno_prepare_turn_unsaved_batches', 'Batches folded and not yet committed.', () =>
    sumOf(({ fold }) => fold.unsaved),
  );
  context.metrics.gauge(
    'steno_prepare_turn_unsaved_limit',
    'Batches that may wait for their commit, over all partitions of this process.',
    () => MAX_UNSAVED * folding.size,
  );
  let committing: Promise<void> = Promise.resolve();

  async function begin(assignment: Assignment): Promise<number> {
    const { partition, signal } = assignment;
    const [first, end] = await Promise.all([
      events.log.offsets(topic, 'earliest'),
      events.log.offsets(topic, 'end'),
    ]);
    const ends = { first: first[partition] ?? 0, end: end[partition] ?? 0, topicId };
    const { position, silentBefore } = await findPosition(store, partition, ends, logger);
    const rules: Rules = { ...ports.rules, conversationPartition: partition };
    const deadlines = new Deadlines();
    const overdue = new OverdueEnder({
      events,
      appender,
      reading,
      rules,
      workerId: `prepare-turn-${process.pid}`,
    });
    const fold = new FoldPartition(
      {
        store,
        appenders: { now: appender, soon: endings, later: measures },

        rules,
        deadlines,
        overdue,
        topicId,
        logger,
        start: position,
        silentBefore,
        onFailure: context.fail,
      },
      assignment,
    );
    for (const [inferenceId, open] of await fold.state.open()) {
      fold.open.set(inferenceId, open);
      deadlines.start(inferenceId, deadlineOf(rules, open.model, open.tier), performance.now());
    }
    if (!signal.aborted) folding.set(assignment, { fold, deadlines, overdue });
    return position.next;
  }

  /** One transaction for all partitions. One whose position somebody else moved is read again from there. */
  async function commitAll(control: GroupControl | null): Promise<void> {
    const taken = [...folding].flatMap(([assignment, { fold }]) => {
      const commit = fold.takeCommit();
      return commit === null ? [] : [{ assignment, fold, commit }];
    });
    if (taken.length === 0) return;
    const done = await store.commitAll(taken.map(({ commit }) => commit));
    for (const [index, { assignment, fold, commit }] of taken.entries()) {
      if (done[index] === true) {
        fold.onCommit(commit);
        continue;
      }
      logger.warn('another process moved the position: reading it again', {
        partition: assignment.partition,
      });
      folding.delete(assignment);
      control?.restart(assignment);
    }
  }

  let control: GroupControl | null = null;
  const runner = await runGroup({
    events,
    group,
    topics: [topic],
    deadLetters: ports.deadLetters,
    announce: true,
    logger,
    onFailure: context.fail,
    handler: {
      start: begin,
      handle(assignment, batchEvents, batch, given) {
        control = given;
        prepared.add({}, batchEvents.length);
        const found = folding.get(assignment);
        if (found === undefined) return undefined;
        const folded = found.fold.handle(batchEvents, batch, (record, error) =>
          given.setAside(assignment, record, error),
        );
        // The log acknowledges slower than we fold: the partition waits, so that memory stays bounded.
        return found.fold.unsaved > MAX_UNSAVED
          ? Promise.resolve(folded).then(() => settle(found.fold, assignment))
          : folded;
      },
      leaving: saveAll,
      revoked(assignment) {
        folding.delete(assignment);
      },
    },
  });

  async function settle(fold: FoldPartition, assignment: Assignment): Promise<void> {
    while (fold.unsaved > MAX_UNSAVED / 2 && !assignment.signal.aborted) {
      await pause(COMMIT_EVERY_MS);
    }
  }

  /** Whoever folds these partitions next begins behind what is saved, and repeats none of it. */
  async function saveAll(): Promise<void> {
    clearInterval(commitTimer);
    await committing;
    const started = performance.now();
    for (;;) {
      await commitAll(null);
      if (sumOf(({ fold }) => fold.unsaved) === 0 || performance.now() - started > SAVE_MS) return;
      await pause(SAVE_POLL_MS);
    }
  }

  const commitTimer = setInterval(() => {
    committing = committing.then(() => commitAll(control)).catch(context.fail);
  }, COMMIT_EVERY_MS);
  const deadlineTimer = setInterval(() => {
    for (const [assignment, found] of folding) void endOverdue(assignment, found);
  }, DEADLINES_EVERY_MS);

  async function endOverdue(assignment: Assignment, { fold, deadlines, overdue }: Folding): Promise<void> {
    for (const inferenceId of deadlines.takeDue(performance.now())) {
      const open = fold.open.get(inferenceId);
      if (open === undefined) continue;
      await fold.state.load([open.conversationId]);
      const conversation = fold.state.get(open.conversationId);
      const turn = conversation?.turns.get(open.messageId);
      if (conversation === null || turn === undefined || turn.status === 'ended') continue;
      logger.warn('an inference is past its deadline', { inferenceId });
      try {
        await overdue.fence(conversation, turn, assignment.signal);
      } catch (error) {
        if (!assignment.signal.aborted)
          logger.warn('cannot end an overdue inference yet', { inferenceId, code: errorCode(error) });
      }
    }
  }

  await runner.reading();
  return {
    isReady: () => runner.membership.isFresh(),
    facts: () => ({
      partitions: runner.assigned().length,
      lag: [...runner.lag().values()].reduce((sum, lag) => sum + lag, 0),
      openInferences: sumOf(({ deadlines }) => deadlines.size),
      pendingAppends: appender.pending + endings.pending + measures.pending,
    }),
    async stop() {
      clearInterval(deadlineTimer);
      await runner.stop();
      await reading.stop();
      await appender.close();
      await endings.close();
      await measures.close();
      await store.close();
    },
  };
}
