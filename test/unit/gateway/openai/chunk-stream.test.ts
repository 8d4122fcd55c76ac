import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, mock, test } from 'node:test';
import fc from 'fast-check';
import { openChunkStream } from '../../../../gateway/openai/chunk-stream.ts';
import { problemOf, refuse } from '../../../../gateway/problems.ts';
import type { FrameSink } from '../../../../gateway/streams/frames.ts';
import { toolCallId, writeToolCall } from '../../../../streams/tool-calls.ts';
import { startStreamServer, type StreamServer } from './given-stream.ts';
import { readStream } from './stream-rules.ts';

/** Whatever a reader accepts from the log, the bytes obey the rules of the format, by a reading of their own. */

const end = {
  outcome: 'completed' as const,
  finishReason: 'stop',
  model: 'answering',
  promptTokens: 3,
  completionTokens: 4,
  cachedTokens: 1,
};
const failure = problemOf(refuse('timeout', 'too late'));
const plain = { includeUsage: false, resumable: false, hasTools: false };

let server: StreamServer<typeof plain>;
before(async () => {
  const name = { inferenceId: 'inf_abc', created: 1_700_000_000, model: 'asked-for' };
  server = await startStreamServer((asked, common) =>
    openChunkStream({ ...common, ...asked, name, choices: 1 }).sinkOf(0, name.inferenceId),
  );
});
after(() => server.stop());

type Last = 'completed' | 'length' | 'cancelled' | 'failed' | 'broken off';

const answers = fc.record({
  asked: fc.record({ includeUsage: fc.boolean(), resumable: fc.boolean(), hasTools: fc.constant(false) }),
  announced: fc.boolean(),
  pieces: fc.array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom('data: [DONE]', '\n\n', '\r\n\r\n', 'id: 7\n', '"}]}', '\ud800', '\u2028', ''),
    ),
    { maxLength: 12 },
  ),
  resetAt: fc.option(fc.nat({ max: 12 })),
  heartbeatAt: fc.option(fc.nat({ max: 12 })),
  last: fc.constantFrom<Last>('completed', 'length', 'cancelled', 'failed', 'broken off'),
});

test('any answer obeys the rules of the format', async () => {
  mock.timers.enable({ apis: ['setInterval'] });
  try {
    await fc.assert(
      fc.asyncProperty(answers, async ({ asked, announced, pieces, resetAt, heartbeatAt, last }) => {
        let told = '';
        let wasReset = false;
        const answer = await server.ask(asked, (sink) => {
          if (announced) sink.started('answering');
          for (const [seq, piece] of pieces.entries()) {
            if (sink.isClosed()) break;
            if (seq === heartbeatAt) mock.timers.tick(15_000);
            if (seq === resetAt) {
              sink.reset(seq);
              wasReset = told !== '';
              if (sink.isClosed()) break;
            }
            sink.delta(seq, piece);
            told += piece;
          }
          if (sink.isClosed()) return;
          if (last === 'failed') sink.error(failure, pieces.length);
          else if (last === 'broken off') sink.breakOff(failure);
          else if (last === 'cancelled') sink.done(pieces.length, { ...end, outcome: 'cancelled' }, false);
          else
            sink.done(pieces.length, { ...end, finishReason: last === 'length' ? 'length' : 'stop' }, false);
        });
        const isWhole = !wasReset && (last === 'completed' || last === 'length');
        if (answer.status !== 200) {
          assert.ok(
            !announced && pieces.length === 0 && !isWhole,
            'a plain error only before the first record',
          );
          assert.deepEqual(Object.keys(JSON.parse(answer.body) as object), ['error']);
          return;
        }
        const heard = readStream(answer.body, asked);
        assert.equal(heard.text, told);
        assert.equal(heard.error === null, isWhole);
        if (wasReset) assert.equal(heard.error?.['code'], 'stream_reset');
        if (isWhole) assert.equal(heard.finishReason, last === 'length' ? 'length' : 'stop');
        if (announced && heard.model !== null) assert.equal(heard.model, 'answering');
        if (asked.resumable)
          assert.deepEqual(heard.ids.map(Number), [...heard.ids.keys()], 'each seq once, in order');
        if (heard.usage !== null) assert.equal(heard.usage['total_tokens'], 7);
        assert.deepEqual([answer.ends.length, answer.gone], [1, [false]]);
      }),
      { numRuns: 300 },
    );
  } finally {
    mock.timers.reset();
  }
});

test('calls of tools come as their own pieces, however the answer is cut; an id says what was read so far', async () => {
  const calls = [
    { name: 'get_weather', arguments: '{"city": "Paris"}' },
    { name: 'add', arguments: '{"a": 2}' },
  ];
  const text = ['Let me look.', ...calls.map(writeToolCall)].join('\n');
  for (const size of [1, 3, 10, 1_000]) {
    const asked = { ...plain, hasTools: true, resumable: true };
    const pieces = text.match(new RegExp(`.{1,${size}}`, 'gs')) ?? [];
    const { body } = await server.ask(asked, (sink) => {
      for (const [seq, piece] of pieces.entries()) sink.delta(seq, piece);
      sink.done(pieces.length, { ...end, finishReason: 'tool_calls' }, false);
    });
    const datas = body.match(/^data: (.*)$/gm) ?? [];
    assert.equal(datas.pop(), 'data: [DONE]');
    const choices = datas.map((data) => (JSON.parse(data.slice(6)) as ToolChunk).choices[0]);
    const found: { id?: string; name: string; arguments: string }[] = [];
    for (const { index, id, type, function: piece } of choices.flatMap(
      (one) => one?.delta.tool_calls ?? [],
    )) {
      if (id !== undefined) {
        assert.deepEqual([index, type, piece.arguments], [found.length, 'function', '']);
        found.push({ id, name: piece.name ?? '', arguments: '' });
      } else
        found.splice(index, 1, {
          ...found[index],
          name: found[index]?.name ?? '',
          arguments: (found[index]?.arguments ?? '') + piece.arguments,
        });
    }
    assert.deepEqual(
      found,
      calls.map((call, index) => ({ id: toolCallId('inf_abc', index), ...call })),
    );
    assert.equal(choices.map((one) => one?.delta.content ?? '').join(''), 'Let me look.');
    assert.equal(choices.at(-1)?.finish_reason, 'tool_calls');
    const ids = (body.match(/^id: \d+$/gm) ?? []).map((line) => Number(line.slice(4)));
    assert.deepEqual(
      ids,
      [...new Set(ids)].sort((a, b) => a - b),
    );
    assert.equal(ids.at(-1), pieces.length);
  }
});

type ToolChunk = {
  readonly choices: readonly {
    readonly finish_reason: string | null;
    readonly delta: {
      readonly content?: string;
      readonly tool_calls?: readonly {
        readonly index: number;
        readonly id?: string;
        readonly type?: string;
        readonly function: { readonly name?: string; readonly arguments: string };
      }[];
    };
  }[];
};

test('the headers are those of the format', async () => {
  const { headers } = await server.ask(plain, (sink) => sink.done(0, end, false));
  assert.equal(headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(headers['cache-control'], 'no-cache, no-transform');
  assert.equal(headers['x-accel-buffering'], 'no');
  assert.equal(headers['x-request-id'], 'req_1');
  assert.equal(headers['content-encoding'], undefined);
});

test('a failure before the first record is a plain error with the signals of a retry', async () => {
  const busy = problemOf(refuse('overloaded', 'too many'));
  const { status, headers, body } = await server.ask(plain, (sink) => sink.error(busy, null));
  assert.equal(status, 503);
  assert.deepEqual([headers['retry-after'], headers['retry-after-ms']], ['1', '1000']);
  assert.deepEqual(JSON.parse(body), {
    error: { message: 'too many', type: 'server_error', param: null, code: 'overloaded' },
  });
});

test('a prompt that does not fit is named as OpenAI names it', async () => {
  const { status, body } = await server.ask(plain, (sink) =>
    sink.error(problemOf(refuse('too_large', 'long')), 0),
  );
  assert.equal(status, 400);
  assert.match(body, /"param":"messages","code":"context_length_exceeded"/);
});

test('a reset before any text is no matter; the answer that follows is whole', async () => {
  const { body } = await server.ask(plain, (sink) => {
    sink.started('first');
    sink.reset(0);
    sink.started('second');
    sink.delta(1, 'whole');
    sink.done(2, end, false);
  });
  const { text, error, model } = readStream(body, plain);
  assert.deepEqual([text, error, model], ['whole', null, 'second']);
});

test('a client that goes away is reported as gone', { timeout: 10_000 }, async () => {
  const left = new Promise<void>((resolve) => {
    const told = server.serve(plain, async (sink) => {
      sink.delta(0, 'x');
      while (!sink.isClosed()) await new Promise((again) => setImmediate(again));
      assert.deepEqual(told.gone, [true]);
      resolve();
    });
  });
  const socket = connect(server.port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  socket.once('data', () => socket.destroy());
  await left;
});

test(
  'a client that does not read gets an error for its last words, never a bare cut',
  { timeout: 20_000 },
  async () => {
    const piece = 'x'.repeat(64 * 1024);
    const closed = new Promise<void>((resolve) => {
      const told = server.serve(plain, async (sink: FrameSink) => {
        for (let seq = 0; !sink.isClosed(); seq += 1) {
          sink.delta(seq, piece);
          await new Promise((again) => setImmediate(again));
        }
        assert.deepEqual(told.gone, [false]);
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
    assert.match(read.join('').slice(-300), /"code":"slow_reader"\}\}\n\n/);
    assert.doesNotMatch(read.join(''), /\[DONE\]/);
  },
);
