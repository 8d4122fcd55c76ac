import { count, duration, escape } from './markup.ts';
import type { RecentTurns } from './recent-turns.ts';

type Buckets = RecentTurns['firstTokens'];

/** In the units of the drawing; about as wide as a phone, so that its text stays readable there. */
const WIDTH = 400;
const HEIGHT = 100;
const LABEL_WIDTH = 60;
const AXIS = 18;

/** The value below which this share of the counted ones lies, linear within its bucket; null where nothing was counted. */
export function quantile(buckets: Buckets, share: number): number | null {
  const total = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  if (total === 0) return null;
  let below = 0;
  let low = 0;
  for (const { le, count: here } of buckets) {
    if (below + here >= share * total && here > 0)
      return le === null ? low : low + ((le - low) * (share * total - below)) / here;
    below += here;
    low = le ?? low;
  }
  return low;
}

/** Bars of the times to a first token, one for each bucket around those that hold any, with its upper bound below. */
export function histogram(buckets: Buckets): string {
  const filled = buckets.flatMap(({ count: value }, index) => (value > 0 ? [index] : []));
  const shown = buckets.slice(Math.max(0, (filled[0] ?? 0) - 1), (filled.at(-1) ?? buckets.length) + 2);
  const step = WIDTH / shown.length;
  const every = Math.ceil(LABEL_WIDTH / step);
  const most = Math.max(1, ...shown.map((bucket) => bucket.count));
  const bars = shown.map(({ le, count: value }, index) => {
    const height = value === 0 ? 0 : Math.max(2, ((HEIGHT - 14) * value) / most);
    const x = index * step;
    const bound = le === null ? 'more' : `≤ ${duration(le)}`;
    const label = value === 0 ? '' : text('value', x + step / 2, HEIGHT - height - 4, count(value));
    const axis = index % every === 0 ? text('axis', x + step / 2, HEIGHT + 14, bound) : '';
    const title = `<title>${escape(bound)}: ${count(value)}</title>`;
    return `<g>${title}${bar(x + 1, HEIGHT - height, step - 2, height)}${label}${axis}</g>`;
  });
  return svg('Answers by the time to their first token', HEIGHT + AXIS, bars.join('') + baseLine(HEIGHT));
}

/** Bars of what was counted in intervals, oldest first, scaled to the largest. */
export function strip(label: string, values: readonly number[], ends: readonly [string, string]): string {
  const step = WIDTH / values.length;
  const most = Math.max(1, ...values);
  const bars = values.map((value, index) => {
    const height = value === 0 ? 0 : Math.max(2, (HEIGHT * value) / most);
    return bar(index * step + 0.5, HEIGHT - height, step - 1, height);
  });
  const axis =
    `<text class="axis start" x="0" y="${HEIGHT + 14}">${escape(ends[0])}</text>` +
    `<text class="axis end" x="${WIDTH}" y="${HEIGHT + 14}">${escape(ends[1])}</text>`;
  return svg(label, HEIGHT + AXIS, bars.join('') + baseLine(HEIGHT) + axis);
}

function baseLine(y: number): string {
  return `<line class="base" x1="0" x2="${WIDTH}" y1="${y}" y2="${y}"/>`;
}

function bar(x: number, y: number, width: number, height: number): string {
  return `<rect class="bar" x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}"/>`;
}

function text(kind: string, x: number, y: number, words: string): string {
  return `<text class="${kind}" x="${x.toFixed(1)}" y="${y.toFixed(1)}">${escape(words)}</text>`;
}

function svg(label: string, height: number, body: string): string {
  return `<svg role="img" aria-label="${escape(label)}" viewBox="0 0 ${WIDTH} ${height}">${body}</svg>`;
}
