import type { Logger } from '../../../runtime/logger.ts';
import type { EventType } from '../../../schemas/generated/types.ts';
import type { Position, RowCommit, RowStore } from '../../../storage/row-store.ts';
import type { LoggedEvent, NewEvent } from '../../../streams/event.ts';
import type { EventAppender } from '../../../streams/event-log.ts';
import type { Batch, RawRecord, Urgency } from '../../../streams/log.ts';
import { appendUntilDone } from '../../../streams/runner/append-until-done.ts';
import type { Assignment } from '../../../streams/runner/run-group.ts';
import { isTerminal } from '../../../streams/effective-end.ts';
import { decide } from '../decide.ts';
import type { Deadlines } from './deadlines.ts';
import type { OverdueEnder } from './end-overdue.ts';
import { decideDeadLettered, request } from '../submit.ts';
import { PartitionState, type ChangedRow, type Changes, type OpenInference } from './partition-state.ts';
import { deadlineOf, type Rules } from '../rules.ts';
import { type Turn } from '../state.ts';

export type FoldPorts = {
  readonly store: RowStore;
  readonly appenders: Readonly<Record<Urgency, EventAppender>>;
  readonly rules: Rules;
  readonly deadlines: Deadlines;
  readonly overdue: OverdueEnder;
  readonly topicId: string;
  readonly logger: Logger;
  /** Rebuilding: outputs of events before this offset were made by an earlier life and are not made again. */
  readonly silentBefore: number;
  readonly start: Position;
  readonly onFailure: (error: unknown) => void;
};

const URGENCIES = ['now', 'soon', 'later'] as const;

type Pending = {
  readonly changes: Changes;
  readonly next: number;
  readonly lastEventId: string;
  acked: boolean;
};

/**
 * One partition under one assignment: folds events in log order, appends what they lead to, and saves rows and the
 * next offset together once the log has acknowledged those outputs. Saving is never awaited by the next record.
 */
export class FoldPartition {
  readonly #ports: FoldPorts;
  readonly #assignment: Assignment;
  readonly state: PartitionState;
  readonly open = new Map<string, OpenInference>();
  #pending: Pending[] = [];
  #committed: number;
  #lastEventId: string;
  #silent: boolean;

  constructor(ports: FoldPorts, assignment: Assignment) {
    this.#ports = ports;
    this.#assignment = assignment;
    this.state = new PartitionState(ports.store, assignment.partition);
    this.#committed = ports.start.next;
    this.#lastEventId = ports.start.lastEventId;
    this.#silent = ports.start.next < ports.silentBefore;
  }

  handle(
    events: readonly LoggedEvent[],
    batch: Batch,
    setAside: (record: RawRecord, error: unknown) => Promise<void>,
  ): void | Promise<void> {
    const loading = this.state.load(events.map(conversationOf));
    if (loading !== undefined) return loading.then(() => this.#foldAll(events, batch, setAside));
    return this.#foldAll(events, batch, setAside);
  }

  #foldAll(
    events: readonly LoggedEvent[],
    batch: Batch,
    setAside: (record: RawRecord, error: unknown) => Promise<void>,
  ): void | Promise<void> {
    if (this.#assignment.signal.aborted) return undefined;
    const outputs: NewEvent[] = [];
    const broken: { readonly event: LoggedEvent; readonly error: unknown }[] = [];
    for (const event of events) {
      if (this.#silent && event.offset >= this.#ports.silentBefore) outputs.push(...this.#speak());
      try {
        outputs.push(...this.#fold(event));
      } catch (error) {
        broken.push({ event, error });
        outputs.push(...this.#failed(event));
      }
      this.#lastEventId = eventIdOf(event) ?? this.#lastEventId;
    }
    if (this.#silent && batch.nextOffset >= this.#ports.silentBefore) outputs.push(...this.#speak());
    this.#save(outputs, batch.nextOffset);
    if (broken.length === 0) return undefined;
    return this.#setAllAside(broken, batch, setAside);
  }

  #fold(event: LoggedEvent): readonly NewEvent[] {
    const conversationId = conversationOf(event);
    const decision = decide(event, this.state.get(conversationId), this.#ports.rules);
    this.state.apply(conversationId, decision);
    for (const turn of decision.turns) this.#watch(conversationId, turn);
    if (event.type === 'AttemptStarted') {
      this.#ports.deadlines.restart(event.data.inferenceId, performance.now());
      const failure = this.#ports.overdue.onAttempt(event, this.state.get(conversationId));
      if (failure !== null) return [...decision.outputs, failure];
    }
    if (!this.#silent) return decision.outputs;
    // The end of a stream may not have been told; everything else was, or is told by #speak.
    return isTerminal(event) ? decision.outputs.filter((output) => output.type === 'InferenceEnded') : [];
  }

  #watch(conversationId: string, turn: Turn): void {
    const { deadlines, rules } = this.#ports;
    if (turn.status === 'requested' && !this.open.has(turn.inferenceId)) {
      const { model, tier } = turn.route;
      this.open.set(turn.inferenceId, { conversationId, messageId: turn.messageId, model, tier });
      deadlines.start(turn.inferenceId, deadlineOf(rules, model, tier), performance.now());
    } else if (turn.status === 'ended') {
      this.open.delete(turn.inferenceId);
      deadlines.clear(turn.inferenceId);
    }
  }

  /** The rebuild has caught up: whatever is still open is asked for again, under the ids of the first time. */
  #speak(): readonly NewEvent[] {
    this.#silent = false;
    this.state.endRebuild();
    const outputs: NewEvent[] = [];
    for (const open of this.open.values()) {
      const conversation = this.state.get(open.conversationId);
      const turn = conversation?.turns.get(open.messageId);
      if (conversation === null || turn === undefined) continue;
      outputs.push(...request(conversation, turn, this.#ports.rules).outputs);
    }
    this.#ports.logger.info('rebuilt a partition', {
      partition: this.#assignment.partition,
      open: outputs.length,
    });
    return outputs;
  }

  #failed(event: LoggedEvent): readonly NewEvent[] {
    if (event.type !== 'MessageSubmitted') return [];
    const { conversationId } = event.data;
    const decision = decideDeadLettered(event, this.state.get(conversationId), this.#ports.rules);
    this.state.apply(conversationId, decision);
    return decision.outputs;
  }

  async #setAllAside(
    broken: readonly { readonly event: LoggedEvent; readonly error: unknown }[],
    batch: Batch,
    setAside: (record: RawRecord, error: unknown) => Promise<void>,
  ): Promise<void> {
    for (const { event, error } of broken) {
      const record = batch.records.find((item) => item.offset === event.offset);
      if (record !== undefined) await setAside(record, error);
    }
  }

  #save(outputs: readonly NewEvent[], next: number): void {
    const entry: Pending = {
      changes: this.state.takeChanges(),
      next,
      lastEventId: this.#lastEventId,
      acked: outputs.length === 0,
    };
    this.#pending.push(entry);
    if (outputs.length === 0) return;
    const { appenders } = this.#ports;
    const { signal } = this.#assignment;
    const appends = URGENCIES.flatMap((urgency) => {
      const some = outputs.filter(({ type }) => urgencyOf(type) === urgency);
      return some.length === 0 ? [] : [appendUntilDone(appenders[urgency], some, signal)];
    });
    Promise.all(appends).then(
      () => (entry.acked = true),
      (error: unknown) => {
        if (!this.#assignment.signal.aborted) this.#ports.onFailure(error);
      },
    );
  }

  /**
   * Takes everything whose outputs are acknowledged, as one compare-and-set, or null if there is nothing. `onCommit` must
   * follow with what became of it.
   */
  takeCommit(): RowCommit | null {
    let count = 0;
    while (this.#pending[count]?.acked === true) count += 1;
    const last = this.#pending[count - 1];
    if (last === undefined) return null;
    return this.#mergeCommits(this.#pending.splice(0, count), last, this.#committed);
  }

  onCommit(commit: RowCommit): void {
    this.#committed = commit.position.next;
    if (this.#pending.length === 0) this.state.evict();
  }

  #mergeCommits(ready: readonly Pending[], last: Pending, start: number): RowCommit {
    const merged = new Map<string, ChangedRow>();
    for (const { changes } of ready) for (const [name, row] of changes) merged.set(name, row);
    const rows = [...merged.values()];
    return {
      partition: this.#assignment.partition,
      start,
      position: { next: last.next, lastEventId: last.lastEventId, topicId: this.#ports.topicId },
      puts: rows.flatMap(({ group, key, write }) => (write === null ? [] : [{ group, key, value: write() }])),
      deletes: rows.filter(({ write }) => write === null).map(({ group, key }) => ({ group, key })),
    };
  }

  /** Batches folded and not yet saved. */
  get unsaved(): number {
    return this.#pending.length;
  }
}

/** Requests first: somebody waits for a first token behind each. */
function urgencyOf(type: EventType): Urgency {
  if (type === 'TurnMeasured' || type === 'GuardApplied') return 'later';
  return type === 'InferenceEnded' ? 'soon' : 'now';
}

function conversationOf(event: LoggedEvent): string {
  return 'conversationId' in event.data ? event.data.conversationId : '';
}

function eventIdOf(event: LoggedEvent): string | null {
  return 'eventId' in event.data ? event.data.eventId : null;
}
