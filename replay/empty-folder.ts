import { existsSync, readdirSync } from 'node:fs';
import { StenoError } from '../runtime/errors.ts';

/** Throws StenoError `folder_in_use` for a folder that holds something. */
export function checkEmpty(folder: string): void {
  if (isEmpty(folder)) return;
  throw new StenoError('folder_in_use', `${folder} is not empty`, {
    fix: 'name a folder that is not there yet',
  });
}

/** True for a folder that holds nothing, or is not there. */
export function isEmpty(folder: string): boolean {
  return !existsSync(folder) || readdirSync(folder).length === 0;
}
