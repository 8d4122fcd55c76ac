import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { NO_DIRECTIVES, parseDirectives } from '../../inference-workers/engines/scripted/directives.ts';
import { writeScript } from '../../inference-workers/engines/scripted/script.ts';
import { framesOf } from '../../gateway/streams/frames.ts';

/**
 * The limit of paced-streams: a WebSocket server that sends the frames of a scripted answer from a timer for each
 * stream, and records nothing. Its first line tells its address as JSON.
 */
const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  socket.on('message', (data: Buffer) => {
    // The load generator asks with JSON objects.
    const { text } = JSON.parse(data.toString('utf8')) as { readonly text: string };
    const directives = parseDirectives(text, NO_DIRECTIVES);
    const script = writeScript(text, directives);
    const id = `inf_${randomUUID()}`;
    const frames = framesOf(id);
    let seq = 0;
    socket.send(`{"type":"accepted","inference_id":"${id}"}`);
    const timer = setInterval(() => {
      if (seq < script.length) {
        socket.send(frames.delta(seq, script.token(seq)));
        seq += 1;
        return;
      }
      clearInterval(timer);
      socket.send(`{"type":"done","inference_id":"${id}","seq":${seq},"outcome":"completed"}`);
    }, directives.paceMs);
    socket.on('close', () => clearInterval(timer));
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // of a TCP server
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`);
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
