import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Returns how to count the bytes that were written to the server's clients and that the system has not taken yet. */
export function countUnread(server: Server): () => number {
  const open = new Set<Socket>();
  function forget(this: Socket): void {
    open.delete(this);
  }
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('close', forget);
  });
  return () => [...open].reduce((sum, socket) => sum + socket.writableLength, 0);
}
