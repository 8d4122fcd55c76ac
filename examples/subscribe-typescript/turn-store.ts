import { DatabaseSync } from 'node:sqlite';
import type { EventOf } from '../../schemas/generated/types.ts';

/** The events this subscriber understands; it steps over all others. */
export type KnownEvent = EventOf<'MessageSubmitted' | 'TurnMeasured'>;

/** The subscriber's own rows: one for each turn, and the id of every event they hold. */
export interface TurnStore {
  /**
   * Applies events in one transaction and returns one line for each turn that they completed. An event applied before
   * changes nothing.
   */
  apply(events: readonly KnownEvent[]): readonly string[];
  close(): void;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS turns (
    message_id TEXT PRIMARY KEY, kind TEXT, transport TEXT,
    outcome TEXT, model TEXT, prompt_tokens INTEGER, completion_tokens INTEGER, total_millis INTEGER
  ) WITHOUT ROWID`;

/** Opens the rows in the file `path`, which is made if it is not there. */
export function openTurnStore(path: string): TurnStore {
  const database = new DatabaseSync(path);
  database.exec(TABLES);
  const see = database.prepare('INSERT OR IGNORE INTO seen VALUES (?)');
  const ask = database.prepare(
    `INSERT INTO turns (message_id, kind, transport) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET kind = excluded.kind, transport = excluded.transport`,
  );
  const measure = database.prepare(
    `INSERT INTO turns (message_id, outcome, model, prompt_tokens, completion_tokens, total_millis)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET outcome = excluded.outcome, model = excluded.model,
       prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens,
       total_millis = excluded.total_millis`,
  );
  // The halves of a turn come from two topics, in either order: whichever is last completes it.
  const read = database.prepare(
    `SELECT format('%s %s over %s: %s, %s, %d + %d tokens, %d ms', message_id, kind, transport, outcome, model,
       prompt_tokens, completion_tokens, total_millis) AS line
     FROM turns WHERE message_id = ? AND kind IS NOT NULL AND outcome IS NOT NULL`,
  );

  function applyOne({ type, data }: KnownEvent): readonly string[] {
    if (see.run(data.eventId).changes === 0) return [];
    if (type === 'MessageSubmitted') ask.run(data.correlationId, data.kind, data.transport);
    else {
      const { correlationId, outcome, model, promptTokens, completionTokens, totalMillis } = data;
      measure.run(correlationId, outcome, model, promptTokens, completionTokens, totalMillis);
    }
    const line = read.get(data.correlationId)?.['line'];
    return line === undefined ? [] : [String(line)];
  }

  return {
    apply(events) {
      database.exec('BEGIN IMMEDIATE');
      try {
        const lines = events.flatMap(applyOne);
        database.exec('COMMIT');
        return lines;
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => database.close(),
  };
}
