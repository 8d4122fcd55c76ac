import { once } from 'node:events';
import { createServer, request, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Problem } from '../../../../gateway/problems.ts';
import { createFlushQueue, type FlushLater } from '../../../../gateway/streams/flush-queue.ts';
import type { FrameSink } from '../../../../gateway/streams/frames.ts';

export type Answered = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** What the sink told of its end, and whether it said that the client was gone. */
  readonly ends: readonly (Problem | null)[];
  readonly gone: readonly boolean[];
};

/** What every sink of a stream is opened with. */
type Common = {
  readonly response: ServerResponse;
  readonly headers: Readonly<Record<string, string>>;
  readonly flushLater: FlushLater;
  readonly onEnd: (problem: Problem | null) => void;
  readonly onClose: (gone?: boolean) => void;
};

export type StreamServer<Asked> = {
  /** Serves one answer that `write` writes, and reads it to its end. */
  readonly ask: (asked: Asked, write: (sink: FrameSink) => void | Promise<void>) => Promise<Answered>;
  /** Serves one answer to whoever calls `port` next. */
  readonly serve: (
    asked: Asked,
    write: (sink: FrameSink) => void | Promise<void>,
  ) => Pick<Answered, 'ends' | 'gone'>;
  readonly port: number;
  readonly stop: () => void;
};

/** Starts a real HTTP server whose answers are written by the sinks that `open` returns. */
export async function startStreamServer<Asked>(
  open: (asked: Asked, common: Common) => FrameSink,
): Promise<StreamServer<Asked>> {
  const flushLater = createFlushQueue();
  type Serving = {
    asked: Asked;
    write: (sink: FrameSink) => void | Promise<void>;
    ends: (Problem | null)[];
    gone: boolean[];
  };
  let serving: Serving | null = null;
  const server = createServer((_request, response) => {
    if (serving === null) return void response.destroy();
    const { asked, write, ends, gone } = serving;
    const sink = open(asked, {
      response,
      headers: { 'x-request-id': 'req_1' },
      flushLater,
      onEnd: (problem) => void ends.push(problem),
      onClose: (left = false) => void gone.push(left),
    });
    void write(sink);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo;
  const serve: StreamServer<Asked>['serve'] = (asked, write) => {
    serving = { asked, write, ends: [], gone: [] };
    return serving;
  };
  return {
    port,
    serve,
    ask(asked, write) {
      const told = serve(asked, write);
      return new Promise((resolve, reject) => {
        const call = request({ port, host: '127.0.0.1', agent: false }, (response) => {
          const pieces: Buffer[] = [];
          response.on('data', (piece: Buffer) => pieces.push(piece));
          response.on('error', reject);
          response.on('end', () => {
            const body = Buffer.concat(pieces).toString('utf8');
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body, ...told });
          });
        });
        call.on('error', reject);
        call.end();
      });
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
