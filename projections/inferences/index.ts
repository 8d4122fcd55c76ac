import { openPositions, POSITION_TABLE, positionSchema } from '../../storage/positions.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { datasets } from '../../streams/topics.ts';
import { createTable } from '../columns.ts';
import { keepRows, type KeptRows } from '../kept-rows.ts';
import { openKeyedTable } from '../keyed-table.ts';
import { nameOf, type ProjectionDefinition } from '../projection.ts';
import { hashOf, linesOf } from '../state-hash.ts';
import { evolve } from './evolve.ts';
import { INFERENCES } from './queries.ts';
import { inferenceTable, type InferenceRow } from './rows.ts';

// A list is read for a tenant, the latest first.
const SCHEMA = `
  ${createTable(inferenceTable)}
  CREATE INDEX IF NOT EXISTS inference_by_tenant ON inference (tenant, ended_at, id) WHERE ended_at IS NOT NULL;
  ${positionSchema}`;

const UNREAD = ['occurredAt', 'causationId', 'correlationId', 'producer'] as const;

/** Characters that a row takes, about. */
const ROW_CHARACTERS = 600;

/** The read model of turns.v1: one row for each inference. */
export const inferences: ProjectionDefinition = {
  ...INFERENCES,
  dataset: datasets.turns,
  unread: { TurnMeasured: UNREAD, UsageRecorded: UNREAD },
  open(database, options) {
    if (!database.hasTable(POSITION_TABLE)) database.transaction(() => database.execute(SCHEMA));
    const rows = openKeyedTable(database, inferenceTable, options);
    return {
      name: nameOf(INFERENCES),
      positions: openPositions(database),
      begin() {
        const kept = keepRows((id) => rows.get(id));
        return {
          apply: (event) => apply(kept, event),
          get size() {
            return kept.changes.size * ROW_CHARACTERS;
          },
          erases: false,
          save: () => rows.save(kept.changes),
        };
      },
      clear: (partition) => rows.clear(partition),
      lines: (partition) => rows.lines(partition),
      count: () => rows.count(),
    };
  },
  foldHash(events) {
    const kept = keepRows<InferenceRow>(() => null);
    for (const event of events) apply(kept, event);
    return hashOf(linesOf(inferenceTable, kept.changes));
  },
};

function apply(kept: KeptRows<InferenceRow>, event: LoggedEvent): void {
  if (!('inferenceId' in event.data)) return;
  const { inferenceId } = event.data;
  const row = kept.get(inferenceId);
  const next = evolve(row, event);
  if (next !== row) kept.put(inferenceId, next);
}
