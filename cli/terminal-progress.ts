import type { Progress, Step } from '../runtime/progress.ts';
import { renderBar, renderLine, type StepView } from './progress-text.ts';

/** Where progress is written; `process.stdout` and `process.stderr` are such. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

type Running = {
  readonly title: string;
  readonly startedAt: number;
  done: number | null;
  total: number | null;
  saidAt: number;
};

const REDRAW_MS = 100;
const LINE_MS = 5_000;
const CLEAR_LINE = '\u001b[2K';

/** Shows long work on `output`: a live line for each running step on a terminal, a plain line every five seconds elsewhere. */
export function createTerminalProgress(
  output: ProgressOutput,
  now: () => number = () => Date.now(),
): Progress {
  const isLive = output.isTTY === true;
  const running = new Set<Running>();
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;

  function view(step: Running): StepView {
    return { title: step.title, done: step.done, total: step.total, elapsedMs: now() - step.startedAt };
  }

  /** Takes the live lines away, writes `text`, and draws them again below it. */
  function draw(text: string): void {
    const erase = drawn === 0 ? '' : `\u001b[${drawn}A\r\u001b[J`;
    const columns = columnsOf(output) - 1;
    const lines = isLive
      ? [...running].map((step) => `${CLEAR_LINE}${renderBar(view(step), columns)}\n`)
      : [];
    output.write(`${erase}${text}${lines.join('')}`);
    drawn = lines.length;
  }

  function tick(): void {
    if (isLive) draw('');
    else for (const step of running) sayIfDue(step);
  }

  function sayIfDue(step: Running): void {
    if (now() - step.saidAt < LINE_MS) return;
    step.saidAt = now();
    output.write(`${renderLine(view(step))}\n`);
  }

  function end(step: Running, mark: string, note: string): void {
    if (!running.delete(step)) return;
    if (running.size === 0) clearInterval(timer);
    draw(`${mark}${step.title}${note === '' ? '' : `: ${note}`}\n`);
  }

  return {
    step(title): Step {
      const step: Running = { title, startedAt: now(), done: null, total: null, saidAt: now() };
      if (running.size === 0) timer = setInterval(tick, isLive ? REDRAW_MS : LINE_MS / 5).unref();
      running.add(step);
      if (isLive) draw('');
      return {
        update(done, total) {
          step.done = done;
          step.total = total ?? step.total;
        },
        finish: (note = '') => end(step, '', note === '' ? 'done' : note),
        fail: (note) => end(step, 'failed: ', note),
      };
    },
    line: (text) => draw(`${text}\n`),
  };
}

/** A terminal that does not know its width says 0. */
function columnsOf({ columns }: ProgressOutput): number {
  return columns === undefined || columns < 20 ? 80 : columns;
}
