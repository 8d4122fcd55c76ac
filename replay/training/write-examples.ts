import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf } from '../export/row-file.ts';
import type { Example } from './examples.ts';

/** Lines of each file. */
export type Written = Readonly<Record<string, number>>;

/**
 * Writes `<kind>.<split>.jsonl`, and beside each `….sources.jsonl` with where the line of the same number comes from, and their
 * checksums. All of a conversation is on one side of the split, and always on the same.
 */
export function writeExamples(
  folder: string,
  examples: readonly Example[],
  evaluationPercent: number,
): Written {
  const files = new Map<string, Example[]>();
  for (const kind of ['demonstrations', 'preferences'])
    for (const split of ['train', 'eval']) files.set(`${kind}.${split}`, []);
  for (const example of examples) {
    const split = shareOf(example.source.conversationId) * 100 < evaluationPercent ? 'eval' : 'train';
    files.get(`${example.kind}.${split}`)?.push(example);
  }
  mkdirSync(folder, { recursive: true });
  const sums: string[] = [];
  for (const [name, own] of files) {
    for (const [file, lines] of [
      [`${name}.jsonl`, own.map(({ line }) => line)],
      [`${name}.sources.jsonl`, own.map(({ source }) => source)],
    ] as const) {
      writeFileSync(join(folder, file), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      sums.push(`${hashOf(join(folder, file))}  ${file}\n`);
    }
  }
  writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
  return Object.fromEntries([...files].map(([name, own]) => [name, own.length]));
}

/** Where an id falls between 0 and 1: the same for ever. */
function shareOf(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32;
}
