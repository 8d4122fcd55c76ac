import type { Figure, Outcome } from './bench.ts';
import type { Host } from './host.ts';
import type { Summary } from './statistics.ts';

/** What a person reads at the end of a bench. */
export function reportText(name: string, host: Host, outcome: Outcome): string {
  const lines = outcome.figures.flatMap((figure) => [
    `${figure.what}: ${valueText(figure.ours, figure.unit)}`,
    ...(figure.limit === null
      ? []
      : [
          `    ${figure.limit.name}: ${valueText(figure.limit.value, figure.unit)}   ratio ${ratioText(figure)}`,
        ]),
    ...figure.targets.map(({ level, text, met }) => `    ${level} ${text}: ${met ? 'met' : 'NOT MET'}`),
  ]);
  return [`# ${name}`, hostText(host), '', ...lines, '', ...outcome.notes, ''].join('\n');
}

/** The page of a bench in bench/results. */
export function pageText(name: string, date: string, host: Host, outcome: Outcome): string {
  const rows = outcome.figures.flatMap((figure) => {
    const { what, unit, ours, limit } = figure;
    const cells = [
      date,
      host.commit,
      what,
      valueText(ours, unit),
      limit === null ? '-' : `${limit.name}: ${valueText(limit.value, unit)}`,
      ratioText(figure),
    ];
    const targets = figure.targets.length === 0 ? [null] : figure.targets;
    return targets.map((target) =>
      row([
        ...cells,
        ...(target === null ? ['-', '-'] : [`${target.level}: ${target.text}`, target.met ? 'yes' : 'no']),
      ]),
    );
  });
  return [
    `# ${name}`,
    '',
    `\`npm run bench -- ${name}\`; ${hostText(host)}`,
    '',
    row(['date', 'commit', 'measure', 'figure', 'limit', 'ratio', 'target', 'met']),
    row(Array.from({ length: 8 }, () => '---')),
    ...rows,
    '',
    ...outcome.notes.map((note) => `- ${note}`),
    '',
  ].join('\n');
}

function hostText({ cores, processor, memoryGb, loadBefore, node, commit }: Host): string {
  return `${cores} cores (${processor}), ${memoryGb} GB, Node ${node}, load before ${loadBefore}, commit ${commit}`;
}

/** Median and, where rounds differ, their spread. */
function valueText({ median, min, max }: Summary, unit: string): string {
  const spread = min === max ? '' : ` (${round(min)} to ${round(max)})`;
  return `${round(median)} ${unit}${spread}`;
}

function ratioText({ ours, limit }: Figure): string {
  return limit === null ? '-' : round(ours.median / limit.value.median);
}

/** Three digits that count. */
function round(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return value >= 1_000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
