import { setTimeout as delay } from 'node:timers/promises';
import type { Entry } from '../../replay/conversation/timeline.ts';
import { cutText } from '../../streams/delta-pieces.ts';
import { printable } from '../printable.ts';

/** Longest wait between two events: people think for hours. */
const LONGEST_MS = 5_000;

/** Writes what happened, at once or as fast as it did. Throws the signal's reason once it is aborted. */
export async function playEntries(
  entries: readonly Entry[],
  options: {
    readonly withWords: boolean;
    readonly asJson: boolean;
    readonly isPaced: boolean;
    readonly write: (text: string) => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { withWords, asJson, isPaced, write, signal } = options;
  let last: number | null = null;
  for (const entry of entries) {
    signal.throwIfAborted();
    const wait = last === null ? 0 : entry.time - last;
    const pieces = withWords && entry.words !== null ? piecesOf(entry) : [];
    // An answer's end came when its last piece had come: its pieces take that time.
    const streamed = pieces.reduce((sum, { afterMs }) => sum + afterMs, 0);
    if (isPaced) await delay(Math.min(LONGEST_MS, Math.max(0, wait - streamed)), undefined, { signal });
    last = entry.time;
    if (asJson) {
      const { pace: _pace, words, ...rest } = entry;
      const said = withWords ? { words } : {};
      write(`${JSON.stringify({ ...rest, time: new Date(entry.time).toISOString(), ...said })}\n`);
      continue;
    }
    write(`${headOf(entry)}\n`);
    if (pieces.length === 0) continue;
    write('    ');
    for (const { text, afterMs } of pieces) {
      if (isPaced) await delay(Math.min(LONGEST_MS, afterMs), undefined, { signal });
      write(printable(text).replaceAll('\\u000a', '\n    '));
    }
    write('\n');
  }
}

function headOf({ time, type, by, facts, partition, offset, messageId, inferenceId }: Entry): string {
  const who = by === null ? '' : `  ${printable(by)}`;
  const id = messageId ?? inferenceId;
  const about = id === null ? '' : `  ${id}`;
  return `${new Date(time).toISOString()}  ${partition}@${offset}  ${type}${who}: ${printable(facts)}${about}`;
}

function piecesOf({ words, pace }: Entry): readonly { readonly text: string; readonly afterMs: number }[] {
  const text = words ?? '';
  const cut = pace === null ? null : cutText(text, pace.deltaBytes);
  if (cut === null || pace === null) return [{ text, afterMs: 0 }];
  return cut.map((piece, index) => ({ text: piece, afterMs: pace.deltaMillis[index] ?? 0 }));
}
