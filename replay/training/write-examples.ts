import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKSUMS, checksumsOf } from '../export/checksums.ts';
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
  const written: { readonly path: string; readonly sha256: string }[] = [];
  for (const [name, own] of files) {
    for (const [path, lines] of [
      [`${name}.jsonl`, own.map(({ line }) => line)],
      [`${name}.sources.jsonl`, own.map(({ source }) => source)],
    ] as const) {
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
      writeFileSync(join(folder, path), text);
      written.push({ path, sha256: createHash('sha256').update(text).digest('hex') });
    }
  }
  writeFileSync(join(folder, CHECKSUMS), checksumsOf(written));
  return Object.fromEntries([...files].map(([name, own]) => [name, own.length]));
}

/** Where an id falls between 0 and 1: the same for ever. */
function shareOf(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32;
}
