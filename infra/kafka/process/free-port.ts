import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

import { StenoError } from '../../../runtime/errors.ts';

/** Below the range from which systems take the ports of outgoing connections, so nobody is given one by chance. */
const FIRST = 20_000;
const LAST = 29_999;
const TRIES = 100;

/**
 * Finds a port that nobody listens on.
 *
 * @throws StenoError `port_in_use` when a hundred random ports are all taken
 */
export async function freePort(host: string): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = randomInt(FIRST, LAST + 1);
    if (await isFree(port, host)) return port;
  }
  throw new StenoError('port_in_use', `No free port was found between ${FIRST} and ${LAST} on ${host}.`, {
    fix: 'Name a free port.',
  });
}

/** Whether a server could listen on this port now. */
export function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
