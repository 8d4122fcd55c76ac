import { isType } from '../../streams/event.ts';
import { readToEnd } from '../../streams/runner/read-to-end.ts';
import { datasets } from '../../streams/topics.ts';
import { lookAt } from '../look-at.ts';
import { printable } from '../printable.ts';

export const FORMATS = ['table', 'json', 'html'] as const;

type Flags = {
  readonly tenant?: string;
  readonly principal?: string;
  readonly action?: string;
  readonly from?: number;
  readonly to?: number;
  readonly format: (typeof FORMATS)[number];
};

/** One look, or one change. */
type Row = {
  /** By the broker's clock, ISO 8601 in UTC. */
  readonly at: string;
  readonly tenant: string;
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly allowed: boolean;
  readonly purpose: string | null;
};

/** `steno audit report`: every AccessRecorded that fits, in the order of the broker's time. */
export async function report(flags: Flags): Promise<void> {
  await lookAt(async ({ reading, topicOf, record }) => {
    const rows: Row[] = [];
    await readToEnd(reading.events, topicOf(datasets.audit), {
      ...reading,
      onEvents(batch) {
        for (const event of batch) {
          if (!isType(event, 'AccessRecorded') || !isWithin(event.time, flags)) continue;
          const { tenantId: tenant, principal, action, resource, allowed, purpose } = event.data;
          const row = {
            at: new Date(event.time).toISOString(),
            tenant,
            principal,
            action,
            resource,
            allowed,
            purpose,
          };
          if (fits(row, flags)) rows.push(row);
        }
      },
    });
    rows.sort((one, other) => (one.at < other.at ? -1 : 1));
    await record({
      ...{ tenantId: flags.tenant ?? '*', correlationId: 'audit', action: 'audit-report' },
      ...{ resource: 'audit', purpose: null },
    });
    process.stdout.write(WRITE[flags.format](rows));
  });
}

function isWithin(time: number, { from, to }: Flags): boolean {
  return time >= (from ?? 0) && time < (to ?? Number.POSITIVE_INFINITY);
}

function fits(row: Row, { tenant, principal, action }: Flags): boolean {
  return (
    (tenant === undefined || row.tenant === tenant) &&
    (principal === undefined || row.principal === principal) &&
    (action === undefined || row.action === action)
  );
}

const HEADINGS = ['at (UTC)', 'tenant', 'principal', 'action', 'resource', 'allowed', 'purpose'] as const;
const cellsOf = ({ at, tenant, principal, action, resource, allowed, purpose }: Row): readonly string[] => [
  ...[at, tenant, principal, action, resource, allowed ? 'yes' : 'no', purpose ?? ''],
];

const WRITE: Readonly<Record<Flags['format'], (rows: readonly Row[]) => string>> = {
  json: (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
  table(rows) {
    const lines = [HEADINGS, ...rows.map((row) => cellsOf(row).map(printable))];
    const widths = HEADINGS.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
    return lines
      .map(
        (cells) =>
          `${cells
            .map((cell, column) => cell.padEnd(widths[column] ?? 0))
            .join('  ')
            .trimEnd()}\n`,
      )
      .join('');
  },
  html(rows) {
    const cells = (tag: string, all: readonly string[]): string =>
      `<tr>${all.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>\n`;
    return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Who looked at what</title>
<style>body{font:14px system-ui;margin:2rem}table{border-collapse:collapse}td,th{border-bottom:1px solid #ccc;padding:.3rem .8rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}</style>
<h1>Who looked at what</h1>
<p>${rows.length} entries, times in UTC by the broker’s clock.</p>
<table>
<thead>${cells('th', HEADINGS)}</thead>
<tbody>
${rows.map((row) => cells('td', cellsOf(row))).join('')}</tbody>
</table>
</html>
`;
  },
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
