import type { Database } from '../../storage/database.ts';
import { openPositions, POSITION_TABLE, positionSchema, type Positions } from '../../storage/positions.ts';
import { createTable, fromRow } from '../columns.ts';
import { openKeyedTable } from '../keyed-table.ts';
import type { OpenOptions } from '../projection.ts';
import { conversationTable, turnTable } from './columns.ts';
import type { Changes, Rows } from './fold.ts';

// A list is read by principal or for the whole tenant, the latest first; a history by place.
const SCHEMA = `
  ${createTable(conversationTable)}
  CREATE INDEX IF NOT EXISTS conversation_by_principal ON conversation (tenant, principal, updated_at, id)
    WHERE turns > 0;
  CREATE INDEX IF NOT EXISTS conversation_by_tenant ON conversation (tenant, updated_at, id) WHERE turns > 0;
  ${createTable(turnTable)}
  CREATE UNIQUE INDEX IF NOT EXISTS turn_by_place ON turn (conversation_id, seq);
  ${positionSchema}`;

/** The read model's rows and positions in a database of their own. */
export interface ConversationTable extends Rows {
  readonly positions: Positions;
  /** Writes what a fold changed; called inside the transaction that moves the position. */
  save(changes: Changes): void;
  /** Removes a partition's rows, a short transaction at every step. */
  clear(partition: number): Iterable<void>;
  /** Every row as a line of the state hash, in its order; a partition's alone if one is named. */
  lines(partition: number | null): Iterable<string>;
  /** How many rows there are. */
  count(): number;
}

/** Makes the tables if they are missing and prepares the statements. */
export function openConversationTable(database: Database, options: OpenOptions = {}): ConversationTable {
  if (!database.hasTable(POSITION_TABLE)) database.transaction(() => database.execute(SCHEMA));
  const conversations = openKeyedTable(database, conversationTable, options);
  const turns = openKeyedTable(database, turnTable, options);
  const positions = openPositions(database);
  const turnsOf = database.prepare('SELECT * FROM turn WHERE conversation_id = ?');

  return {
    positions,
    conversation: (id) => conversations.get(id),
    turn: (inferenceId) => turns.get(inferenceId),
    turnsOf: (conversationId) => turnsOf.all(conversationId).map((found) => fromRow(turnTable, found)),
    save(changes) {
      conversations.save(changes.conversations);
      turns.save(changes.turns);
    },
    *clear(partition) {
      yield* turns.clear(partition);
      yield* conversations.clear(partition);
    },
    *lines(partition) {
      yield* conversations.lines(partition);
      yield* turns.lines(partition);
    },
    count: () => conversations.count() + turns.count(),
  };
}
