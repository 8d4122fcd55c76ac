import { renameSync, writeFileSync } from 'node:fs';

/** Replaces a file as a whole: whoever reads it meanwhile gets the one before. For a file with one writer. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.next`, text);
  renameSync(`${path}.next`, path);
}
