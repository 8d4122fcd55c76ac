import type { ConfigEntry } from '../../policies/configuration/history.ts';
import type { ConfigChange } from '../../schemas/generated/types.ts';
import { printable } from '../printable.ts';

/** Longer values of a difference are cut: `show` prints them whole. */
const LONGEST_VALUE = 200;

/** One change: a line of what it is, a line of each difference. */
export function changeText(entry: ConfigEntry): string {
  const { kind, version, at, actor, reason, holds, changes } = entry;
  const fate = holds ? '' : '  (void: somebody else was faster)';
  const head = `${new Date(at).toISOString()}  ${kind}  ${version}  ${actor}  ${reason}${fate}`;
  return [printable(head), ...changes.map(differenceText)].join('\n');
}

/** `+` for what is new, `-` for what is gone, `~` for what is another. */
export function differenceText({ path, before, after }: ConfigChange): string {
  const place = path === '' ? '/' : path;
  const mark = before === null ? '+' : after === null ? '-' : '~';
  const values = [before, after].flatMap((value) => (value === null ? [] : [cut(value)]));
  return printable(`  ${mark} ${place}: ${values.join(' → ')}`);
}

function cut(value: string): string {
  return value.length <= LONGEST_VALUE ? value : `${value.slice(0, LONGEST_VALUE)}…`;
}
