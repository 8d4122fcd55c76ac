import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What stands between a client and a gateway, and can cut them apart. */
export type CuttingProxy = {
  readonly url: string;
  /** Connections that were opened so far. */
  readonly connections: () => number;
  /** From now on a connection is cut as soon as the gateway says this, which the client never hears; null: no more. */
  cutBefore(words: string | null): void;
  close(): Promise<void>;
};

/** Opens a proxy on a free port of loopback to an address such as http://127.0.0.1:8080. */
export async function openCuttingProxy(target: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target);
  let words: string | null = null;
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    count += 1;
    const gateway = connect({ host: hostname, port: Number(port) });
    const pair = [client, gateway];
    for (const socket of pair) {
      sockets.add(socket);
      // Whatever ends one side ends the other.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        for (const one of pair) one.destroy();
      });
    }
    client.pipe(gateway);
    gateway.on('data', (data: Buffer) => {
      if (words !== null && data.includes(words)) return gateway.destroy();
      client.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a port has an address of this kind.
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}`,
    connections: () => count,
    cutBefore(next) {
      words = next;
    },
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
