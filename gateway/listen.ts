import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { StenoError, errorCode } from '../runtime/errors.ts';

/** Listens and resolves to the address. `setting` names the port's. Throws StenoError `port_in_use`. */
export async function listen(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
  setting: string,
): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    if (errorCode(cause) !== 'EADDRINUSE') throw cause;
    throw new StenoError('port_in_use', `port ${port} of ${host} is in use`, {
      fix: `stop what uses it or set ${setting}`,
      cause,
    });
  }
  // A server that listens on a port has an address of this kind.
  const bound = app.server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound.port}`;
}
