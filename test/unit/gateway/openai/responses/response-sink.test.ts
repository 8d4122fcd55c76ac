import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, mock, test } from 'node:test';
import { openResponseSink } from '../../../../../gateway/openai/responses/response-sink.ts';
import { problemOf, refuse } from '../../../../../gateway/problems.ts';
import type { FrameSink } from '../../../../../gateway/streams/frames.ts';
import { startStreamServer, type StreamServer } from '../given-stream.ts';
import { eventsOf, readEvents } from './event-rules.ts';

const facts = {
  ...{ inferenceId: 'inf_abc', conversationId: 'conv_1', createdAt: 1_700_000_000, model: 'm' },
  ...{ instructions: null, previousResponseId: null, metadata: {} },
  ...{ maxOutputTokens: 100, format: null, tools: null, temperature: 0.7, topP: 1 },
};
const end = {
  ...{ outcome: 'completed' as const, finishReason: 'stop', model: 'm' },
  ...{ promptTokens: 3, completionTokens: 4, cachedTokens: 1 },
};
const failure = problemOf(refuse('timeout', 'too late'));
const accepted = {
  place: {
    ...{ tenantId: 'acme', conversationId: 'conv_1', messageId: 'msg_1', inferenceId: 'inf_abc' },
    ...{ replyPartition: 0, deltasFrom: 0 },
  },
  token: 't',
  clientId: null,
};

/** Last number that the client has; null for a response that is made now. */
type Asked = number | null;
let server: StreamServer<Asked>;
before(async () => {
  server = await startStreamServer((startingAfter, common) =>
    openResponseSink({ ...common, facts, startingAfter }),
  );
});
after(() => server.stop());

test('an answer is the events of a response, with the headers of a stream', async () => {
  const { headers, body, ends } = await server.ask(null, (sink) => {
    sink.accepted(accepted);
    sink.started('m');
    sink.delta(0, 'one ');
    sink.delta(1, 'two');
    sink.done(2, end, false);
  });
  assert.equal(headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.deepEqual([headers['x-request-id'], headers['content-encoding']], ['req_1', undefined]);
  assert.equal(readEvents(body).text, 'one two');
  assert.deepEqual(ends, [null]);
});

test('what fails before the first record is a plain error; who comes later reads a response that failed', async () => {
  const fail = (sink: FrameSink): void => {
    if (!sink.isClosed()) sink.error(failure, 0);
  };
  const { status, body, ends } = await server.ask(null, (sink) => {
    sink.accepted(accepted);
    fail(sink);
  });
  assert.deepEqual([status, ends[0]?.code], [504, 'timeout']);
  assert.match(body, /"code":"timeout"/);
  const later = await server.ask(-1, fail);
  assert.equal(later.status, 200);
  assert.deepEqual(readEvents(later.body).types.at(-1), 'response.failed');
  const gone = await server.ask(-1, (sink) => sink.error(problemOf(refuse('erased', 'gone')), null));
  assert.equal(gone.status, 410);
});

test('a prompt that does not fit is named as OpenAI names it', async () => {
  const { status, body } = await server.ask(null, (sink) =>
    sink.error(problemOf(refuse('too_large', 'long')), 0),
  );
  assert.equal(status, 400);
  assert.match(body, /"param":"input","code":"context_length_exceeded"/);
});

test('text that was shown is not taken back: the stream ends with an error', async () => {
  const { body, ends } = await server.ask(null, (sink) => {
    sink.delta(0, 'one');
    sink.reset(1);
    assert.ok(sink.isClosed());
  });
  const { error, text } = readEvents(body);
  assert.deepEqual([error?.['code'], text, ends[0]?.code], ['stream_reset', 'one', 'stream_reset']);
});

test('a client that comes back gets what it lacks and nothing twice', async () => {
  const write = (sink: FrameSink): void => {
    sink.started('m');
    for (const [seq, piece] of ['one ', 'two ', 'three'].entries()) sink.delta(seq, piece);
    sink.done(3, end, false);
  };
  const whole = eventsOf((await server.ask(-1, write)).body).map(({ bytes }) => bytes);
  for (const cut of [0, 4, 6, whole.length - 1]) {
    const { body, status } = await server.ask(cut, write);
    assert.deepEqual([status, body], [200, whole.slice(cut + 1).join('')]);
  }
});

test('the id is told within a second, though the answer waits; a heartbeat is no event', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  try {
    const { body } = await server.ask(null, (sink) => {
      sink.accepted(accepted);
      mock.timers.tick(1_000);
      mock.timers.tick(15_000);
      sink.error(failure, 0);
    });
    const { types } = readEvents(body);
    assert.deepEqual(types.slice(0, 2), ['response.created', 'response.in_progress']);
    assert.equal(types.at(-1), 'response.failed');
    assert.ok(body.includes('\n\n:\n'));
    const waiting = await server.ask(-1, (sink) => {
      mock.timers.tick(1_000);
      sink.breakOff(problemOf(refuse('draining', 'bye')));
    });
    assert.equal(eventsOf(waiting.body)[0]?.event.type, 'response.created');
  } finally {
    mock.timers.reset();
  }
});

test('a gateway that goes away says so under the last number', async () => {
  const { body } = await server.ask(null, (sink) => {
    sink.delta(0, 'one');
    sink.draining(0);
    sink.breakOff(problemOf(refuse('draining', 'bye')));
  });
  const last = eventsOf(body).at(-1)?.event;
  assert.deepEqual([last?.type, last?.['code'], last?.sequence_number], ['error', 'draining', 4]);
});

test('a client that does not read gets an error for its last words', { timeout: 20_000 }, async () => {
  const piece = 'x'.repeat(64 * 1024);
  const closed = new Promise<void>((resolve) => {
    server.serve(null, async (sink) => {
      for (let seq = 0; !sink.isClosed(); seq += 1) {
        sink.delta(seq, piece);
        await new Promise((again) => setImmediate(again));
      }
      resolve();
    });
  });
  const socket = connect(server.port, '127.0.0.1');
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  await closed;
  const read: string[] = [];
  socket.setEncoding('utf8');
  for await (const text of socket) read.push(String(text));
  assert.match(read.join('').slice(-400), /event: error\n.*"code":"slow_reader"/);
});
