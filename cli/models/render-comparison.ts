import { seconds } from '../progress-text.ts';
import type { Agreement } from './agreement.ts';
import type { Measured } from './measure-model.ts';

export type Comparison = {
  readonly models: readonly [Measured, Measured];
  readonly agreement: Agreement;
};

/** A table of both models, and below it how much they agree. */
export function renderComparison({ models, agreement }: Comparison): string {
  const [left, right] = models;
  const rows: readonly (readonly [string, (measured: Measured) => string])[] = [
    ['', ({ model }) => model],
    ['load', ({ loadMs }) => seconds(loadMs)],
    ['first token', ({ firstTokenMs }) => (firstTokenMs === null ? '-' : `${firstTokenMs.toFixed(1)} ms`)],
    ['speed', ({ tokensPerSecond }) => speed(tokensPerSecond)],
    ['memory', ({ peakBytes }) => (peakBytes === null ? '-' : `${Math.round(peakBytes / 1e6)} MB`)],
  ];
  const width = Math.max(...rows.map(([, cell]) => cell(left).length));
  const lines = rows.map(([name, cell]) =>
    `${name.padEnd(12)}  ${cell(left).padEnd(width)}  ${cell(right)}`.trimEnd(),
  );
  const count = left.answers.length;
  const same = Math.round(agreement.identical * count);
  return [
    ...lines,
    '',
    `identical     ${same} of ${count} answers (${Math.round(agreement.identical * 100)} %)`,
    `overlap       ${agreement.overlap.toFixed(2)} of 1, ROUGE-L of words`,
  ].join('\n');
}

function speed(tokensPerSecond: number | null): string {
  return tokensPerSecond === null ? '-' : `${tokensPerSecond.toFixed(1)} tokens/s`;
}
