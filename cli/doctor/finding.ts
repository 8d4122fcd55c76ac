import { errorMessage, StenoError } from '../../runtime/errors.ts';

/** What one check found. */
export type Finding = {
  readonly name: string;
  readonly status: 'ok' | 'problem' | 'not run';
  /** What is there, what is wrong, or why nothing was checked. */
  readonly detail: string;
  readonly fix: string | null;
};

export type Verdict = Omit<Finding, 'name'>;

export const ok = (detail: string): Verdict => ({ status: 'ok', detail, fix: null });
export const notRun = (detail: string): Verdict => ({ status: 'not run', detail, fix: null });
export const problem = (detail: string, fix: string): Verdict => ({ status: 'problem', detail, fix });

/** Runs a check; what it throws is a problem. */
export async function check(name: string, work: () => Verdict | Promise<Verdict>): Promise<Finding> {
  try {
    return { name, ...(await work()) };
  } catch (error) {
    const fix = error instanceof StenoError ? (error.fix ?? null) : null;
    return { name, status: 'problem', detail: errorMessage(error), fix };
  }
}

/** One line a finding, and what came of them all. */
export function renderFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.map(({ name, status, detail, fix }) => {
    const advice = fix === null ? '' : `; ${lowerFirst(fix)}`;
    return `${status.padEnd(7)}  ${name.padEnd(width)}  ${`${detail.replace(/\.$/, '')}${advice}`.replaceAll(/\s*\n\s*/g, ' ')}`;
  });
  const problems = findings.filter(({ status }) => status === 'problem').length;
  const left = findings.filter(({ status }) => status === 'not run').length;
  const end = problems === 0 ? 'no problem found' : `${problems} ${problems === 1 ? 'problem' : 'problems'}`;
  return [...lines, '', left === 0 ? end : `${end}; ${left} not run`].join('\n');
}

/** A sentence that goes on another; names such as STENO_JAVA stay as they are. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
