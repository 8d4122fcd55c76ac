const WARN = 40;
const ERROR = 50;
/** Fields that every line has, and those too long for a terminal. */
const HIDDEN = new Set([
  'level',
  'time',
  'pid',
  'role',
  'msg',
  'stack',
  'hostname',
  'fix',
  'reason',
  'code',
  'retryable',
]);

/** A line of a role's log that a person at the terminal should see. */
export type Notable = { readonly text: string; readonly isError: boolean };

/** Picks warnings and errors out of a JSON log and shortens them; null for anything else. */
export function notableLine(role: string, line: string): Notable | null {
  const entry = parseEntry(line);
  const level = entry?.['level'];
  if (entry === null || typeof level !== 'number' || level < WARN) return null;
  const sentence = textOf(entry['msg']);
  const reason = textOf(entry['reason']);
  const fix = textOf(entry['fix']);
  const facts = Object.entries(entry)
    .filter(([name, value]) => !HIDDEN.has(name) && typeof value !== 'object')
    .map(([name, value]) => `${name}=${String(value)}`);
  const text = [
    `${role}: ${sentence}`,
    ...(reason === '' ? [] : [`: ${reason}`]),
    ...(fix === '' ? [] : [` (${fix})`]),
    ...(facts.length === 0 ? [] : [`  ${facts.join(' ')}`]),
  ].join('');
  return { text: printable(text).slice(0, 400), isError: level >= ERROR };
}

/** Why a role ended, from the line it wrote last: null unless it wrote one. */
export type Failure = { readonly code: string; readonly reason: string; readonly fix: string | null };

export function failureIn(line: string): Failure | null {
  const entry = parseEntry(line);
  if (entry?.['msg'] !== 'role failed') return null;
  const fix = textOf(entry['fix']);
  return {
    code: textOf(entry['code']),
    reason: printable(textOf(entry['reason'])),
    fix: fix === '' ? null : fix,
  };
}

function parseEntry(line: string): Readonly<Record<string, unknown>> | null {
  if (!line.startsWith('{')) return null;
  try {
    // JSON that begins with a brace is an object.
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    // A native library wrote it: it stays in the log file.
    return null;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Control characters of a log never reach the terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
