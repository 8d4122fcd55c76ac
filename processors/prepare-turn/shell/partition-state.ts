import type { RowStore, StoredRow } from '../../../storage/row-store.ts';
import { textOf } from '../../../streams/parts.ts';
import { rebuildGroup, rebuildKey } from './find-position.ts';
import { PathIndex } from '../paths.ts';
import type { Decision } from '../rules.ts';
import {
  conversationFromRows,
  conversationToRow,
  headKey,
  turnKey,
  turnToRow,
  type Conversation,
  type ConversationRow,
  type Turn,
} from '../state.ts';

/** Conversations kept in memory per partition; the ones used longest ago leave first. */
const CACHE_SIZE = 2_000;
/** Characters of what came with messages that are kept with them: a call that brings its history is often its last. */
const CACHE_CHARACTERS = 4_000_000;

type Cached = {
  row: ConversationRow;
  readonly turns: Map<string, Turn>;
  readonly byInference: Map<string, string>;
  paths: PathIndex;
  /** Characters of what came with messages. */
  brought: number;
};

/** An inference that a worker is expected to end. */
export type OpenInference = {
  readonly conversationId: string;
  readonly messageId: string;
  readonly model: string;
  readonly tier: string;
};

/** A row that changed. It is written out only when it is saved: most rows change again before. */
export type ChangedRow = Pick<StoredRow, 'group' | 'key'> & {
  /** Null for a deleted one. */
  readonly write: (() => string) | null;
};

/** What changed since the last snapshot, by group and key. */
export type Changes = ReadonlyMap<string, ChangedRow>;

/** The conversations of one partition: loaded when first met, changed by decisions, written behind the log. */
export class PartitionState {
  readonly #store: RowStore;
  readonly #partition: number;
  readonly #cache = new Map<string, Cached | null>();
  #dirty = new Map<string, ChangedRow>();
  #brought = 0;
  /** True while events wait for what is being read, or was just read, for them. */
  #awaited = false;

  constructor(store: RowStore, partition: number) {
    this.#store = store;
    this.#partition = partition;
  }

  /** Reads the conversations that are not in memory yet; resolves at once if all are. */
  load(conversationIds: Iterable<string>): Promise<void> | undefined {
    const cold = [...new Set(conversationIds)].filter((id) => !this.#cache.has(id));
    if (cold.length === 0) return undefined;
    this.#awaited = true;
    return this.#read(cold);
  }

  get(conversationId: string): Conversation | null {
    const found = this.#cache.get(conversationId);
    if (found === undefined) return null;
    // Touched last: it leaves the memory last.
    this.#cache.delete(conversationId);
    this.#cache.set(conversationId, found);
    return found;
  }

  apply(conversationId: string, decision: Decision): void {
    const { row, turns, forget } = decision;
    let cached = this.#cache.get(conversationId) ?? null;
    if (row !== null) {
      if (cached === null) {
        cached = { row, turns: new Map(), byInference: new Map(), paths: new PathIndex(), brought: 0 };
        this.#cache.set(conversationId, cached);
      }
      cached.row = row;
      this.#put(conversationId, headKey, () => conversationToRow(row).value);
    }
    if (cached === null) return;
    if (forget) this.#forget(conversationId, cached);
    for (const turn of turns) {
      if (!cached.turns.has(turn.messageId)) this.#weigh(cached, [turn]);
      cached.turns.set(turn.messageId, turn);
      cached.byInference.set(turn.inferenceId, turn.messageId);
      if (turn.status === 'ended') cached.paths.add(turn);
      this.#put(conversationId, turnKey(turn.messageId), () => turnToRow(conversationId, turn).value);
      this.#track(conversationId, turn);
    }
  }

  /** Inferences that were open when the partition was left. */
  async open(): Promise<ReadonlyMap<string, OpenInference>> {
    const group = this.#openGroup();
    const rows = (await this.#store.load([group])).get(group) ?? [];
    // Written by #track and by nothing else; before there were tiers to choose from, all were interactive.
    const read = (value: string): OpenInference => ({
      tier: 'interactive',
      ...(JSON.parse(value) as Omit<OpenInference, 'tier'> & Partial<OpenInference>),
    });
    return new Map(rows.map(({ key, value }) => [key, read(value)]));
  }

  /** The rebuild has caught up: from the next commit on nobody takes it up again. */
  endRebuild(): void {
    this.#delete(rebuildGroup(this.#partition), rebuildKey);
  }

  /** Takes what changed since the last call. */
  takeChanges(): Changes {
    const changes = this.#dirty;
    this.#dirty = new Map();
    this.#awaited = false;
    return changes;
  }

  /** Forgets conversations beyond the cache's size. Only after everything taken was committed. */
  evict(): void {
    if (this.#awaited) return;
    for (const id of this.#cache.keys()) {
      if (this.#cache.size <= CACHE_SIZE && this.#brought <= CACHE_CHARACTERS) return;
      this.#brought -= this.#cache.get(id)?.brought ?? 0;
      this.#cache.delete(id);
    }
  }

  async #read(conversationIds: readonly string[]): Promise<void> {
    const rows = await this.#store.load(conversationIds);
    for (const id of conversationIds) {
      const found = conversationFromRows(rows.get(id) ?? []);
      if (found === null) {
        this.#cache.set(id, null);
        continue;
      }
      const turns = new Map(found.turns);
      const cached = { ...found, turns, byInference: new Map(found.byInference), brought: 0 };
      this.#weigh(cached, turns.values());
      this.#cache.set(id, cached);
    }
  }

  #weigh(cached: Cached, turns: Iterable<Turn>): void {
    for (const { preceding, instructions } of turns) {
      const said = preceding.reduce((sum, { parts }) => sum + textOf(parts).length, 0);
      const characters = said + (instructions ?? '').length;
      cached.brought += characters;
      this.#brought += characters;
    }
  }

  #track(conversationId: string, turn: Turn): void {
    const group = this.#openGroup();
    if (turn.status === 'requested') {
      const { model, tier } = turn.route;
      const open: OpenInference = { conversationId, messageId: turn.messageId, model, tier };
      this.#put(group, turn.inferenceId, () => JSON.stringify(open));
    } else if (turn.status === 'ended') {
      this.#delete(group, turn.inferenceId);
    }
  }

  #forget(conversationId: string, cached: Cached): void {
    for (const turn of cached.turns.values()) {
      this.#delete(conversationId, turnKey(turn.messageId));
      this.#delete(this.#openGroup(), turn.inferenceId);
    }
    cached.turns.clear();
    cached.byInference.clear();
    cached.paths = new PathIndex();
    this.#brought -= cached.brought;
    cached.brought = 0;
  }

  #put(group: string, key: string, write: () => string): void {
    this.#dirty.set(`${group}\n${key}`, { group, key, write });
  }

  #delete(group: string, key: string): void {
    this.#dirty.set(`${group}\n${key}`, { group, key, write: null });
  }

  #openGroup(): string {
    return `open:${this.#partition}`;
  }
}
