/** What is known of a running step. Steps that count bytes know how far they are; others only that they run. */
export type StepView = {
  readonly title: string;
  readonly done: number | null;
  readonly total: number | null;
  readonly elapsedMs: number;
};

const BAR_CELLS = 24;
const MEGABYTE = 1e6;

/** One line of a terminal, no wider than `columns`. */
export function renderBar(step: StepView, columns: number): string {
  const { title, done, total } = step;
  const time = seconds(step.elapsedMs);
  if (done === null) return cut(`${title}  ${time}`, columns);
  if (total === null || total <= 0) return cut(`${title}  ${amount(done)}  ${time}`, columns);
  const share = Math.min(1, done / total);
  const full = Math.round(share * BAR_CELLS);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
  return cut(`${title}  ${bar} ${percent(share)}  ${amount(done)} of ${amount(total)}  ${time}`, columns);
}

/** The same for a log file or a pipe. */
export function renderLine(step: StepView): string {
  const { title, done, total } = step;
  const time = seconds(step.elapsedMs);
  if (done === null) return `${title}: ${time}`;
  if (total === null || total <= 0) return `${title}: ${amount(done)}, ${time}`;
  return `${title}: ${percent(Math.min(1, done / total))}, ${amount(done)} of ${amount(total)}, ${time}`;
}

/** Seconds as people read them: `0.4 s`, `12 s`, `3 min 5 s`. */
export function seconds(millis: number): string {
  if (millis < 9_950) return `${(millis / 1_000).toFixed(1)} s`;
  const whole = Math.round(millis / 1_000);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Bytes from a megabyte on; small numbers are counts of something else. */
function amount(value: number): string {
  if (value < MEGABYTE) return String(value);
  return value < 1_000 * MEGABYTE ? `${Math.round(value / MEGABYTE)} MB` : `${(value / 1e9).toFixed(1)} GB`;
}

function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}
