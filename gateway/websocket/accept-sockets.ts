import type { IncomingMessage, Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { localeOf, sentRequestId } from '../call.ts';
import { CREDENTIAL_CHECK_MS, bearerOf } from '../keys.ts';
import type { Origins } from '../origins.ts';
import { goesAway, problemBody, problemHeaders, problemOf, refuse } from '../problems.ts';
import { createHoldQueue, type FlushLater } from '../streams/flush-queue.ts';
import { Connection, type ConnectionDeps } from './connection.ts';
import { PacedSocket, type CuttableSocket } from './paced-socket.ts';

/** The WebSockets of a gateway. */
export interface Sockets {
  count(): number;
  /** Tells every client that the gateway goes away. */
  announceDrain(): void;
  /** Closes every socket with 1012. */
  close(): void;
}

const PATH = '/v1/chat';
const PING_MS = 25_000;
/** A withdrawn key closes its sockets within this time after the keys were read again. */
const KEY_PROTOCOL = 'steno.key.';
/** How long a frame that may wait for the next one waits at most. */
const HOLD_MS = 25;

type Open = { readonly connection: Connection; readonly socket: CuttableSocket; alive: boolean };

/** Takes WebSockets at /v1/chat of the server. Every other upgrade is refused. */
export function acceptSockets(
  server: Server,
  deps: ConnectionDeps & {
    readonly origins: Origins;
    readonly maxFrameBytes: number;
    readonly maxSockets: number;
    readonly flushLater: FlushLater;
  },
): Sockets {
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: deps.maxFrameBytes,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: (offered) => [...offered].find((name) => !name.startsWith(KEY_PROTOCOL)) ?? false,
  });
  const open = new Map<WebSocket, Open>();

  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // One function for all: a closure of this call would keep its request for as long as the socket is open.
    stream.on('error', destroy);
    try {
      admit(request);
    } catch (error) {
      return refuseUpgrade(stream, error);
    }
    // An HTTP server's upgrade hands over the connection itself; its type leaves room for other streams.
    if (!(stream instanceof Socket)) return stream.destroy();
    stream.setNoDelay(true);
    webSockets.handleUpgrade(request, stream, head, (webSocket) => start(webSocket, stream, request));
  });

  const pings = setInterval(() => {
    for (const [webSocket, entry] of open) {
      if (!entry.alive) {
        webSocket.terminate();
        continue;
      }
      entry.alive = false;
      webSocket.ping();
    }
  }, PING_MS);
  const checks = setInterval(() => {
    for (const { connection } of open.values()) connection.checkCredential();
  }, CREDENTIAL_CHECK_MS);
  pings.unref();
  checks.unref();

  const shared = { flushLater: deps.flushLater, holdLater: createHoldQueue(HOLD_MS) };

  function admit(request: IncomingMessage): void {
    if ((request.url ?? '').split('?')[0] !== PATH)
      throw refuse('not_found', 'no WebSocket at this path', { fix: `use ${PATH}` });
    deps.origins.check(request.headers.host, request.headers.origin);
    if (deps.isDraining()) throw goesAway();
    if (open.size >= deps.maxSockets)
      throw refuse('overloaded', 'this gateway has as many sockets as it may');
  }

  function start(webSocket: WebSocket, socket: Socket, request: IncomingMessage): void {
    const frames = new PacedSocket(webSocket, socket, shared, () => connection.end());
    const connection = new Connection(
      frames,
      {
        requestId: sentRequestId(request.headers['x-request-id']),
        ...localeOf(request.headers['accept-language']),
      },
      deps,
    );
    const entry: Open = { connection, socket: frames, alive: true };
    open.set(webSocket, entry);
    webSocket.on('message', (data: RawData, isBinary) => {
      entry.alive = true;
      if (isBinary)
        connection.takeBad(refuse('invalid_request', 'the frame is binary', { fix: 'send JSON as text' }));
      // Text arrives as one Buffer: `binaryType` is left at its default.
      else connection.take((data as Buffer).toString('utf8'));
    });
    webSocket.on('pong', () => {
      entry.alive = true;
    });
    // Bad frames of the protocol itself: ws closes the connection with the right code.
    webSocket.on('error', () => undefined);
    webSocket.on('close', () => {
      open.delete(webSocket);
      connection.end();
    });
    const key = keyOf(request);
    if (key !== null) connection.authenticate(key);
  }

  return {
    count: () => open.size,
    announceDrain() {
      for (const { socket } of open.values()) socket.send('{"type":"draining"}');
    },
    close() {
      clearInterval(pings);
      clearInterval(checks);
      for (const { socket } of open.values()) socket.close(1012, 'restart');
    },
  };
}

function destroy(this: Duplex): void {
  this.destroy();
}

/** The key of the handshake: a header, or a subprotocol where a browser can send no header. */
function keyOf({ headers }: IncomingMessage): string | null {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const named = offered.find((name) => name.startsWith(KEY_PROTOCOL))?.slice(KEY_PROTOCOL.length) ?? null;
  return bearerOf(headers.authorization) ?? named;
}

function refuseUpgrade(stream: Duplex, error: unknown): void {
  const problem = problemOf(error);
  const body = problemBody(problem);
  const headers = Object.entries(problemHeaders(problem)).map(([name, value]) => `${name}: ${value}\r\n`);
  stream.end(
    `HTTP/1.1 ${problem.status} Refused\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n${headers.join('')}\r\n${body}`,
  );
}
