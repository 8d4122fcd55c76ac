import { existsSync, readdirSync } from 'node:fs';
import { StenoError } from '../runtime/errors.ts';

/** Throws StenoError `folder_in_use` for a folder that holds something. */
export function checkEmpty(folder: string): void {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  throw new StenoError('folder_in_use', `${folder} is not empty`, {
    fix: 'name a folder that is not there yet',
  });
}
