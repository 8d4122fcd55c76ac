import { createServer } from 'node:net';
import { errorCode, errorMessage, StenoError } from '../../runtime/errors.ts';

/**
 * Checks that the gateway could listen here; port 0 is always free.
 *
 * @throws StenoError `port_in_use`, `port_forbidden`, `bad_host`
 */
export async function checkPort(port: number, host: string): Promise<void> {
  try {
    await tryPort(port, host);
  } catch (error) {
    throw explain(error, port, host);
  }
}

function tryPort(port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve()));
  });
}

function explain(error: unknown, port: number, host: string): StenoError {
  const facts = { port, host };
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new StenoError('port_in_use', `port ${port} on ${host} is already in use`, {
        fix: 'stop the program that listens there, or set PORT to another port (PORT=0 takes a free one)',
        facts,
        cause: error,
      });
    case 'EACCES':
      return new StenoError('port_forbidden', `this user may not listen on port ${port}`, {
        fix: 'set PORT to a port above 1023',
        facts,
        cause: error,
      });
    default:
      return new StenoError('bad_host', `cannot listen on ${host}: ${errorMessage(error)}`, {
        fix: 'set STENO_HOST to an address of this machine, such as 127.0.0.1',
        facts,
        cause: error,
      });
  }
}
