import { seconds } from '../progress-text.ts';

export type PartHealth = {
  readonly name: string;
  readonly address: string | null;
  readonly isHealthy: boolean;
  /** `ready`, or what is wrong. */
  readonly detail: string;
  readonly facts: Readonly<Record<string, number>>;
};

export type Status = {
  /** `external`: nothing of ours runs here, but broker or registry are configured. */
  readonly state: 'starting' | 'ready' | 'stopping' | 'external' | 'not running';
  readonly dataDir: string;
  readonly model: string | null;
  readonly startedAt: string | null;
  readonly uptimeSeconds: number | null;
  readonly parts: readonly PartHealth[];
  readonly lag: readonly { readonly group: string; readonly topic: string; readonly records: number }[];
  readonly disk: readonly { readonly topic: string; readonly bytes: number }[];
};

/** 0: everything is healthy; 1: something is not; 3: nothing runs. */
export function statusExitCode(status: Status): number {
  if (status.state === 'not running') return 3;
  return status.parts.every(({ isHealthy }) => isHealthy) ? 0 : 1;
}

/** What a person reads. */
export function renderStatus(status: Status): string {
  const { state, uptimeSeconds, parts, lag, disk } = status;
  const since = uptimeSeconds === null ? '' : ` for ${seconds(uptimeSeconds * 1_000)}`;
  const head = state === 'external' ? 'external parts; no steno up runs here' : `${state}${since}`;
  return [
    `steno      ${head}`,
    `data       ${status.dataDir}`,
    ...(status.model === null ? [] : [`model      ${status.model}`]),
    ...section('', ['part', 'health', 'address', 'facts'], parts.map(partRow)),
    ...section(
      'Lag',
      ['group', 'topic', 'records'],
      lag.map(({ group, topic, records }) => [group, topic, String(records)]),
    ),
    ...section(
      'Disk',
      ['topic', 'size'],
      disk.map(({ topic, bytes }) => [topic, size(bytes)]),
    ),
  ].join('\n');
}

function partRow({ name, isHealthy, detail, address, facts }: PartHealth): readonly string[] {
  const numbers = Object.entries(facts).map(([key, value]) => `${key}=${value}`);
  return [name, isHealthy ? 'ok' : `NOT OK: ${detail}`, address ?? '-', numbers.join(' ')];
}

function section(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  if (rows.length === 0) return [];
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd();
  return ['', ...(title === '' ? [] : [title]), line(head), ...rows.map(line)];
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
