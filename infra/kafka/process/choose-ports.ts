import { readFile, writeFile } from 'node:fs/promises';

import { StenoError } from '../../../runtime/errors.ts';
import { freePort, isFree } from './free-port.ts';

/**
 * Chooses a port for each name: the one told, else the one used last time if it is still free, else any free one.
 * The choice is written to `memory`, so that addresses stay the same over restarts.
 *
 * @throws StenoError `port_in_use` when a told port is taken
 */
export async function choosePorts<Name extends string>(
  memory: string,
  host: string,
  wanted: Readonly<Record<Name, number | undefined>>,
): Promise<Record<Name, number>> {
  const remembered = await readPorts(memory);
  const chosen: Record<string, number> = {};
  for (const [name, told] of Object.entries<number | undefined>(wanted)) {
    chosen[name] = told === undefined ? await anyPort(remembered[name], host, Object.values(chosen)) : told;
    if (told !== undefined && !(await isFree(told, host))) throw portInUse(told, host);
  }
  await writeFile(memory, JSON.stringify(chosen));
  // Every name of `wanted` was given a port above.
  return chosen;
}

/** The error for a port that another program listens on. */
export function portInUse(port: number | undefined, host: string): StenoError {
  const place = port === undefined ? `A port on ${host}` : `Port ${port} on ${host}`;
  return new StenoError('port_in_use', `${place} is already in use.`, {
    fix: 'Stop the program that listens there, or choose another port.',
    facts: { port, host },
  });
}

async function anyPort(last: number | undefined, host: string, taken: readonly number[]): Promise<number> {
  if (last !== undefined && !taken.includes(last) && (await isFree(last, host))) return last;
  const fresh = await freePort(host);
  return taken.includes(fresh) ? anyPort(undefined, host, taken) : fresh;
}

async function readPorts(memory: string): Promise<Record<string, number>> {
  try {
    const value: unknown = JSON.parse(await readFile(memory, 'utf8'));
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    return Object.fromEntries(
      entries.filter((entry): entry is [string, number] => Number.isInteger(entry[1])),
    );
  } catch {
    // A missing or torn memory only costs the old address.
    return {};
  }
}
