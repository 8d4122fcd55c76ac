import { createServer, type Server, type ServerResponse } from 'node:http';
import { StenoError } from './errors.ts';
import type { RoleFacts } from './lifecycle-messages.ts';
import type { Metrics } from './metrics.ts';

const HOST = '127.0.0.1';

/**
 * Serves `/livez`, `/readyz` and `/metrics` on loopback and returns its address. `port` 0 takes a free one.
 * `/readyz` answers 200 or 503, with the facts as JSON. Throws StenoError `port_in_use`.
 */
export async function startHealthServer(options: {
  readonly port: number;
  readonly read: () => RoleFacts;
  readonly metrics: Metrics;
}): Promise<string> {
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer(response, 405, 'text/plain', 'only GET\n');
      return;
    }
    switch (request.url?.split('?')[0]) {
      case '/livez':
        answer(response, 200, 'text/plain', 'alive\n');
        return;
      case '/readyz': {
        const facts = options.read();
        answer(response, facts.ready ? 200 : 503, 'application/json', `${JSON.stringify(facts)}\n`);
        return;
      }
      case '/metrics':
        options.metrics.render().then(
          (text) => answer(response, 200, 'text/plain; version=0.0.4; charset=utf-8', text),
          () => answer(response, 500, 'text/plain', 'metrics cannot be read\n'),
        );
        return;
      default:
        answer(response, 404, 'text/plain', 'only /livez, /readyz and /metrics\n');
    }
  });
  await listen(server, options.port);
  // Being asked how it is keeps no process alive.
  server.unref().on('connection', (socket) => socket.unref());
  const address = server.address();
  return `http://${HOST}:${typeof address === 'object' && address !== null ? address.port : options.port}`;
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new StenoError('port_in_use', `cannot listen on the health port ${port}: ${cause.message}`, {
          fix: 'set STENO_HEALTH_PORT to a free port, or to 0',
          cause,
        }),
      );
    });
    server.listen({ port, host: HOST, exclusive: true }, resolve);
  });
}
