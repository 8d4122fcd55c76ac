import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { openSseSink } from '../../../gateway/http/sse-sink.ts';
import { problemOf, refuse } from '../../../gateway/problems.ts';
import { createFlushQueue } from '../../../gateway/streams/flush-queue.ts';
import type { FrameSink } from '../../../gateway/streams/frames.ts';

const end = {
  outcome: 'completed' as const,
  finishReason: 'stop',
  model: 'm',
  promptTokens: 1,
  completionTokens: 1,
  cachedTokens: 0,
};
const flushLater = createFlushQueue();
let server: Server;
let url = '';
let write: (sink: FrameSink) => void = () => undefined;
let closed: () => void = () => undefined;

before(async () => {
  server = createServer((_request, response) => {
    const sink = openSseSink({
      response,
      inferenceId: 'inf_1',
      headers: { 'x-request-id': 'req_1' },
      resumed: true,
      flushLater,
      onClose: () => closed(),
    });
    write(sink);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a port has an address of this kind.
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

async function ask(
  writing: (sink: FrameSink) => void,
): Promise<{ status: number; type: string | null; text: string }> {
  write = writing;
  const response = await fetch(url);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

test('an answer is named events whose id is their seq', async () => {
  const { status, type, text } = await ask((sink) => {
    sink.delta(0, 'Hel');
    sink.delta(1, 'lo\n');
    sink.done(2, end, false);
  });
  assert.equal(status, 200);
  assert.equal(type, 'text/event-stream; charset=utf-8');
  const events = text.trimEnd().split('\n\n');
  assert.deepEqual(
    events.map((event) => event.split('\n').slice(0, 2)),
    [
      ['id: 0', 'event: delta'],
      ['id: 1', 'event: delta'],
      ['id: 2', 'event: done'],
    ],
  );
});

test('a failure before the first record is a plain HTTP error', async () => {
  const { status, type, text } = await ask((sink) =>
    sink.error(problemOf(refuse('not_found', 'no such thing')), 0),
  );
  assert.equal(status, 404);
  assert.equal(type, 'application/json; charset=utf-8');
  assert.match(text, /"code":"not_found"/);
});

test('a failure after it is an event, and the stream ends', async () => {
  const { status, text } = await ask((sink) => {
    sink.delta(0, 'x');
    sink.error(problemOf(refuse('timeout', 'too late')), 1);
    sink.delta(2, 'never');
  });
  assert.equal(status, 200);
  assert.match(text, /id: 1\nevent: error\n/);
  assert.doesNotMatch(text, /never/);
});

test('a client that has it all gets 204', async () => {
  const { status, text } = await ask((sink) => sink.done(2, end, true));
  assert.deepEqual([status, text], [204, '']);
});

test('a stream that breaks off has no done and no error', async () => {
  const { text } = await ask((sink) => {
    sink.delta(4, 'x');
    sink.draining(4);
    sink.breakOff(problemOf(refuse('draining', 'gone')));
  });
  assert.match(text, /event: draining\ndata: \{"type":"draining","inference_id":"inf_1","seq":4\}/);
  assert.doesNotMatch(text, /event: (done|error)/);
});

test('a reader that does not read is cut, and its memory given back', { timeout: 10_000 }, async () => {
  const cut = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const piece = 'x'.repeat(64 * 1024);
  write = (sink) => {
    let seq = 0;
    const more = setInterval(() => {
      if (sink.isClosed()) clearInterval(more);
      else for (let count = 0; count < 16; count += 1) sink.delta(seq++, piece);
    }, 1);
  };
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await cut;
  socket.destroy();
});
