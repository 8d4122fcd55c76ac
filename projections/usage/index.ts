import { openPositions, POSITION_TABLE, positionSchema } from '../../storage/positions.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { datasets } from '../../streams/topics.ts';
import { createTable } from '../columns.ts';
import { keepRows, type KeptRows } from '../kept-rows.ts';
import { openKeyedTable } from '../keyed-table.ts';
import { nameOf, type ProjectionDefinition } from '../projection.ts';
import { hashOf, linesOf } from '../state-hash.ts';
import { addAmount, evolve, usageId } from './evolve.ts';
import { USAGE } from './queries.ts';
import { countedTable, usageTable, type CountedRow, type UsageRow } from './rows.ts';

const SCHEMA = `
  ${createTable(usageTable)}
  CREATE INDEX IF NOT EXISTS usage_by_tenant ON usage (tenant, hour);
  CREATE INDEX IF NOT EXISTS usage_by_principal ON usage (tenant, principal, hour);
  CREATE INDEX IF NOT EXISTS usage_by_key ON usage (tenant, key_id, hour);
  ${createTable(countedTable)}
  ${positionSchema}`;

const UNREAD = ['occurredAt', 'causationId', 'correlationId', 'producer'] as const;

/** Characters that a row takes, about. */
const ROW_CHARACTERS = 300;

type Kept = { readonly usage: KeptRows<UsageRow>; readonly counted: KeptRows<CountedRow> };

/** The read model of turns.v1 that sums: what every tenant used of every model in every hour. */
export const usage: ProjectionDefinition = {
  ...USAGE,
  dataset: datasets.turns,
  unread: { TurnMeasured: UNREAD, UsageRecorded: UNREAD },
  open(database, options) {
    if (!database.hasTable(POSITION_TABLE)) database.transaction(() => database.execute(SCHEMA));
    const sums = openKeyedTable(database, usageTable, options);
    const proofs = openKeyedTable(database, countedTable, options);
    return {
      name: nameOf(USAGE),
      positions: openPositions(database),
      begin() {
        const kept: Kept = {
          usage: keepRows((id) => sums.get(id)),
          counted: keepRows((id) => proofs.get(id)),
        };
        return {
          apply: (event) => apply(kept, event),
          get size() {
            return (kept.usage.changes.size + kept.counted.changes.size) * ROW_CHARACTERS;
          },
          erases: false,
          save() {
            sums.save(kept.usage.changes);
            proofs.save(kept.counted.changes);
          },
        };
      },
      *clear(partition) {
        yield* sums.clear(partition);
        yield* proofs.clear(partition);
      },
      *lines(partition) {
        yield* sums.lines(partition);
        yield* proofs.lines(partition);
      },
      count: () => sums.count() + proofs.count(),
    };
  },
  foldHash(events) {
    const kept: Kept = { usage: keepRows<UsageRow>(() => null), counted: keepRows<CountedRow>(() => null) };
    for (const event of events) apply(kept, event);
    return hashOf([
      ...linesOf(usageTable, kept.usage.changes),
      ...linesOf(countedTable, kept.counted.changes),
    ]);
  },
};

function apply(kept: Kept, event: LoggedEvent): void {
  if (!('inferenceId' in event.data)) return;
  const { inferenceId } = event.data;
  const before = kept.counted.get(inferenceId);
  const { counted, amounts } = evolve(before, event);
  if (counted === before) return;
  kept.counted.put(inferenceId, counted);
  for (const amount of amounts) {
    const id = usageId(amount);
    kept.usage.put(id, addAmount(kept.usage.get(id), amount));
  }
}
