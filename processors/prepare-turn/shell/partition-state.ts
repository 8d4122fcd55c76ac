import type { RowStore, StoredRow } from '../../../storage/row-store.ts';
import { rebuildGroup, rebuildKey } from './find-position.ts';
import type { Decision } from '../rules.ts';
import {
  conversationFromRows,
  conversationToRow,
  turnToRow,
  type Conversation,
  type ConversationRow,
  type Turn,
} from '../state.ts';

/** Conversations kept in memory per partition; the ones used longest ago leave first. */
const CACHE_SIZE = 2_000;

type Cached = {
  row: ConversationRow;
  readonly turns: Map<string, Turn>;
  readonly byInference: Map<string, string>;
};

/** An inference that a worker is expected to end. */
export type OpenInference = {
  readonly conversationId: string;
  readonly messageId: string;
  readonly model: string;
};

/** What changed since the last snapshot, ready for one commit. */
export type Changes = {
  readonly puts: readonly StoredRow[];
  readonly deletes: readonly Pick<StoredRow, 'group' | 'key'>[];
};

/** The conversations of one partition: loaded when first met, changed by decisions, written behind the log. */
export class PartitionState {
  readonly #store: RowStore;
  readonly #partition: number;
  readonly #cache = new Map<string, Cached | null>();
  /** Row or null for a deleted one, by group and key. */
  #dirty = new Map<
    string,
    StoredRow | { readonly group: string; readonly key: string; readonly value: null }
  >();

  constructor(store: RowStore, partition: number) {
    this.#store = store;
    this.#partition = partition;
  }

  /** Reads the conversations that are not in memory yet; resolves at once if all are. */
  load(conversationIds: Iterable<string>): Promise<void> | undefined {
    const cold = [...new Set(conversationIds)].filter((id) => !this.#cache.has(id));
    return cold.length === 0 ? undefined : this.#read(cold);
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
        cached = { row, turns: new Map(), byInference: new Map() };
        this.#cache.set(conversationId, cached);
      }
      cached.row = row;
      this.#put(conversationToRow(row));
    }
    if (cached === null) return;
    if (forget) this.#forget(conversationId, cached);
    for (const turn of turns) {
      cached.turns.set(turn.messageId, turn);
      cached.byInference.set(turn.inferenceId, turn.messageId);
      this.#put(turnToRow(conversationId, turn));
      this.#track(conversationId, turn);
    }
  }

  /** Inferences that were open when the partition was left. */
  async open(): Promise<ReadonlyMap<string, OpenInference>> {
    const group = this.#openGroup();
    const rows = (await this.#store.load([group])).get(group) ?? [];
    // Written by #track and by nothing else.
    return new Map(rows.map((row) => [row.key, JSON.parse(row.value) as OpenInference]));
  }

  /** The rebuild has caught up: from the next commit on nobody takes it up again. */
  endRebuild(): void {
    this.#delete(rebuildGroup(this.#partition), rebuildKey);
  }

  /** Takes what changed since the last call. */
  takeChanges(): Changes {
    const puts: StoredRow[] = [];
    const deletes: Pick<StoredRow, 'group' | 'key'>[] = [];
    for (const row of this.#dirty.values()) {
      if (row.value === null) deletes.push({ group: row.group, key: row.key });
      else puts.push(row);
    }
    this.#dirty = new Map();
    return { puts, deletes };
  }

  /** Forgets conversations beyond the cache's size. Only after everything taken was committed. */
  evict(): void {
    for (const id of this.#cache.keys()) {
      if (this.#cache.size <= CACHE_SIZE) return;
      this.#cache.delete(id);
    }
  }

  async #read(conversationIds: readonly string[]): Promise<void> {
    const rows = await this.#store.load(conversationIds);
    for (const id of conversationIds) {
      const found = conversationFromRows(rows.get(id) ?? []);
      this.#cache.set(
        id,
        found === null
          ? null
          : { row: found.row, turns: new Map(found.turns), byInference: new Map(found.byInference) },
      );
    }
  }

  #track(conversationId: string, turn: Turn): void {
    const group = this.#openGroup();
    if (turn.status === 'requested') {
      const open: OpenInference = { conversationId, messageId: turn.messageId, model: turn.route.model };
      this.#put({ group, key: turn.inferenceId, value: JSON.stringify(open) });
    } else if (turn.status === 'ended') {
      this.#delete(group, turn.inferenceId);
    }
  }

  #forget(conversationId: string, cached: Cached): void {
    for (const turn of cached.turns.values()) {
      this.#delete(conversationId, `t:${turn.messageId}`);
      this.#delete(this.#openGroup(), turn.inferenceId);
    }
    cached.turns.clear();
    cached.byInference.clear();
  }

  #put(row: StoredRow): void {
    this.#dirty.set(`${row.group}\n${row.key}`, row);
  }

  #delete(group: string, key: string): void {
    this.#dirty.set(`${group}\n${key}`, { group, key, value: null });
  }

  #openGroup(): string {
    return `open:${this.#partition}`;
  }
}
