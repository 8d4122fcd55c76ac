import { parseConfig } from '../runtime/config.ts';
import { processEnvironment } from '../runtime/environment.ts';
import { readStatus } from './status/read-status.ts';
import { renderStatus, statusExitCode } from './status/render-status.ts';

/** `steno status`: prints how everything is. Returns 0 healthy, 1 something is not, 3 nothing runs. */
export async function status(options: { readonly json: boolean }): Promise<number> {
  const found = await readStatus(parseConfig(processEnvironment()), Date.now());
  process.stdout.write(`${options.json ? JSON.stringify(found, null, 2) : renderStatus(found)}\n`);
  return statusExitCode(found);
}
