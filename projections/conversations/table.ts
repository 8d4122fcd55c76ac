import { numberOf, textOf, type Database } from '../../storage/database.ts';
import { openPositions, positionSchema, type Positions } from '../../storage/positions.ts';
import { conversationTable, createTable, fromRow, putRow, toValues, turnTable } from './columns.ts';
import type { Changes, Rows } from './fold.ts';
import type { ConversationRow, TurnRow } from './rows.ts';

// A list is read by principal or for the whole tenant, the latest first; a history by place.
const SCHEMA = `
  ${createTable(conversationTable)}
  CREATE INDEX IF NOT EXISTS conversation_by_principal ON conversation (tenant, principal, updated_at, id)
    WHERE turns > 0;
  CREATE INDEX IF NOT EXISTS conversation_by_tenant ON conversation (tenant, updated_at, id) WHERE turns > 0;
  ${createTable(turnTable)}
  CREATE UNIQUE INDEX IF NOT EXISTS turn_by_place ON turn (conversation_id, seq);
  ${positionSchema}`;

/** Rows looked at in one transaction while a partition is cleared. */
const CLEARED_AT_ONCE = 1_000;

/** The read model's rows and positions in a database of their own. */
export interface ConversationTable extends Rows {
  readonly positions: Positions;
  /** Writes what a fold changed; called inside the transaction that moves the position. */
  save(changes: Changes): void;
  /** Removes a partition's rows, a short transaction at every step. */
  clear(partition: number): Iterable<void>;
  /** Every row, by the UTF-8 bytes of its key; a partition's alone if one is named. */
  conversations(partition: number | null): Iterable<ConversationRow>;
  turns(partition: number | null): Iterable<TurnRow>;
}

/** Makes the tables if they are missing and prepares the statements. */
export function openConversationTable(database: Database): ConversationTable {
  database.transaction(() => database.execute(SCHEMA));
  const positions = openPositions(database);
  const conversation = database.prepare('SELECT * FROM conversation WHERE id = ?');
  const turn = database.prepare('SELECT * FROM turn WHERE inference_id = ?');
  const turnsOf = database.prepare('SELECT * FROM turn WHERE conversation_id = ?');
  const putConversation = database.prepare(putRow(conversationTable));
  const putTurn = database.prepare(putRow(turnTable));
  const dropConversation = database.prepare('DELETE FROM conversation WHERE id = ?');
  const dropTurn = database.prepare('DELETE FROM turn WHERE inference_id = ?');
  const clearing = ['turn', 'conversation'].map((name) => ({
    some: database.prepare(`SELECT rowid, partition FROM ${name} WHERE rowid > ? ORDER BY rowid LIMIT ?`),
    drop: database.prepare(`DELETE FROM ${name} WHERE rowid = ?`),
  }));
  const nextConversations = database.prepare('SELECT * FROM conversation WHERE id > ? ORDER BY id LIMIT 500');
  const nextTurns = database.prepare(
    'SELECT * FROM turn WHERE inference_id > ? ORDER BY inference_id LIMIT 500',
  );

  return {
    positions,
    conversation(id) {
      const found = conversation.get(id);
      return found === null ? null : fromRow(conversationTable, found);
    },
    turn(inferenceId) {
      const found = turn.get(inferenceId);
      return found === null ? null : fromRow(turnTable, found);
    },
    turnsOf: (conversationId) => turnsOf.all(conversationId).map((found) => fromRow(turnTable, found)),
    save({ conversations, turns }) {
      for (const [id, row] of conversations) {
        if (row === null) dropConversation.run(id);
        else putConversation.run(...toValues(conversationTable, row));
      }
      for (const [id, row] of turns) {
        if (row === null) dropTurn.run(id);
        else putTurn.run(...toValues(turnTable, row));
      }
    },
    *clear(partition) {
      for (const { some, drop } of clearing) {
        for (let page = some.all(0, CLEARED_AT_ONCE); page.length > 0;) {
          const rowids = page
            .filter((row) => row['partition'] === partition)
            .map((row) => numberOf(row, 'rowid'));
          if (rowids.length > 0) database.transaction(() => rowids.forEach((rowid) => drop.run(rowid)));
          page = some.all(numberOf(page.at(-1) ?? {}, 'rowid'), CLEARED_AT_ONCE);
          yield;
        }
      }
    },
    *conversations(partition) {
      for (let page = nextConversations.all(''); page.length > 0;) {
        const rows = page.map((found) => fromRow(conversationTable, found));
        yield* rows.filter((row) => partition === null || row.partition === partition);
        page = nextConversations.all(rows.at(-1)?.id ?? '');
      }
    },
    *turns(partition) {
      for (let page = nextTurns.all(''); page.length > 0;) {
        const rows = page.map((found) => fromRow(turnTable, found));
        yield* rows.filter((row) => partition === null || row.partition === partition);
        page = nextTurns.all(textOf(page.at(-1) ?? {}, 'inference_id'));
      }
    },
  };
}
