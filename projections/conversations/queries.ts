import { numberOf, textOf, type Database } from '../../storage/database.ts';
import { openPositions, POSITION_TABLE } from '../../storage/positions.ts';
import { inferenceIdOf } from '../../streams/ids.ts';
import { fromRow } from '../columns.ts';
import { conversationTable, turnTable } from './columns.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { openSearch } from './search.ts';
import {
  inferenceOf,
  summaryOf,
  turnOf,
  type ConversationSummary,
  type ConversationView,
  type InferenceView,
  type TurnView,
} from './views.ts';

/** A page, the latest first; `next` is handed back as `before` for what is older, null at the end. */
export type Page<Item> = { readonly items: readonly Item[]; readonly next: string | null };

/**
 * What may be asked of the read model of conversations. Every question names the tenant: another tenant's ids are
 * answered as ids that do not exist. Before the projection first ran there is nothing, at position 0.
 * Throws StenoError `store_unavailable` (retryable).
 */
export interface ConversationQueries {
  /** An erased conversation is found, with `erasedAt` and nothing else. */
  findConversation(tenantId: string, conversationId: string): ConversationView | null;
  /**
   * Erased ones are left out. With words to match, a page may hold fewer than there are, or none, though others follow:
   * `next` goes on. Throws StenoError `bad_cursor`.
   */
  listConversations(
    tenantId: string,
    options: {
      readonly principal: string | null;
      readonly limit: number;
      readonly before: string | null;
      readonly includeArchived: boolean;
      readonly matching: string | null;
    },
  ): Page<ConversationSummary>;
  /** Turns of every branch, the latest first; rejected ones are left out. Throws StenoError `bad_cursor`. */
  findTurns(
    tenantId: string,
    conversationId: string,
    options: { readonly limit: number; readonly before: string | null },
  ): Page<TurnView>;
  findInference(tenantId: string, inferenceId: string): InferenceView | null;
  /** Offset of the next record of conversations.v1 that the projection will fold; 0 if there is none. */
  position(partition: number): number;
}

/** Which read model it is. A new version is a new database. */
export const CONVERSATIONS = { name: 'conversations', version: 3 } as const;

const NOTHING = { items: [], next: null };
/** Later than every time and place. */
const END = Number.MAX_SAFE_INTEGER;

/** Opens the questions over the projection's database, or over one that does not exist yet. */
export function openConversationQueries(database: Database): ConversationQueries {
  const positions = openPositions(database);
  const conversation = database.prepare('SELECT * FROM conversation WHERE id = ? AND tenant = ?');
  const inference = database.prepare('SELECT * FROM turn WHERE inference_id = ? AND tenant = ?');
  const parent = database.prepare(
    'SELECT status, parent_id FROM turn WHERE inference_id = ? AND conversation_id = ?',
  );
  const history = database.prepare(
    `SELECT * FROM turn WHERE conversation_id = ? AND tenant = ? AND seq < ? AND status <> 'rejected'
     ORDER BY seq DESC LIMIT ?`,
  );
  const lists = {
    tenant: database.prepare(listOf('')),
    principal: database.prepare(listOf('principal = ? AND')),
  };
  const search = openSearch(database);
  let ready = false;

  function isReady(): boolean {
    ready ||= database.hasTable(POSITION_TABLE);
    return ready;
  }

  /** The turn itself, or the nearest one before it that was not rejected after others had followed it. */
  function standing(messageId: string | null, conversationId: string): string | null {
    for (let id = messageId; id !== null;) {
      const found = parent.get(inferenceIdOf(id), conversationId);
      if (found === null || found['status'] !== 'rejected') return id;
      id = found['parent_id'] === null ? null : textOf(found, 'parent_id');
    }
    return null;
  }

  return {
    findConversation(tenantId, conversationId) {
      const found = isReady() ? conversation.get(conversationId, tenantId) : null;
      if (found === null) return null;
      const row = fromRow(conversationTable, found);
      if (row.turns === 0 && row.erasedAt === null) return null;
      const { systemPrompt, erasedAt } = row;
      return { ...summaryOf(row), systemPrompt, head: standing(row.head, row.id), erasedAt };
    },
    listConversations(tenantId, { principal, limit, before, includeArchived, matching }) {
      const [time, id] = before === null ? [END, ''] : readCursor(before, true);
      if (!isReady()) return NOTHING;
      const most = matching === null ? limit : search.most;
      const rest = [includeArchived ? 1 : 0, time, id, most + 1];
      const stored =
        principal === null
          ? lists.tenant.all(tenantId, ...rest)
          : lists.principal.all(tenantId, principal, ...rest);
      const rows = stored.map((row) => fromRow(conversationTable, row));
      const { found, looked } =
        matching === null
          ? { found: rows.slice(0, limit), looked: Math.min(limit, rows.length) }
          : search.find(rows, matching, limit);
      const last = rows[looked - 1];
      const more = rows.length > looked && last !== undefined;
      return { items: found.map(summaryOf), next: more ? writeCursor([last.updatedAt, last.id]) : null };
    },
    findTurns(tenantId, conversationId, { limit, before }) {
      const [seq] = before === null ? [END] : readCursor(before, false);
      if (!isReady()) return NOTHING;
      const found = history.all(conversationId, tenantId, seq, limit + 1);
      const items = found.slice(0, limit).map((stored) => {
        const row = fromRow(turnTable, stored);
        return turnOf(row, standing(row.parentId, conversationId));
      });
      const more = found.length > limit ? found[limit - 1] : undefined;
      return { items, next: more === undefined ? null : writeCursor([numberOf(more, 'seq')]) };
    },
    findInference(tenantId, inferenceId) {
      const found = isReady() ? inference.get(inferenceId, tenantId) : null;
      return found === null ? null : inferenceOf(fromRow(turnTable, found));
    },
    position: (partition) => (isReady() ? (positions.read(partition)?.next ?? 0) : 0),
  };
}

/** The conditions are those of the partial indexes, so that a page costs what it holds. */
function listOf(condition: string): string {
  return `SELECT * FROM conversation WHERE tenant = ? AND ${condition} turns > 0 AND archived <= ?
    AND (updated_at, id) < (?, ?) ORDER BY updated_at DESC, id DESC LIMIT ?`;
}
