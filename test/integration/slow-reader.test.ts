import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { DONE_FRAME, framesOf, sendAnswer, type SendAnswer } from '../../bench/support/scripted-backend.ts';
import { ChatClient, type SeenAnswer } from '../support/chat-client.ts';
import { startMisbehavingBackend, type MisbehavingBackend } from '../support/misbehaving-backend.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { SseClient } from '../support/sse-client.ts';
import { until } from '../support/until.ts';
import { watchMetric } from '../support/watch-metric.ts';

/**
 * P11: a reader that does not read is cut once 256 KiB wait for it, with what it needs to go on; the others read on. The
 * operating system buffers some MiB of a connection by itself, so the answers here are larger than that.
 */

const PIECE_BYTES = 16 * 1024;
const PIECES = 400;
const ANSWERS = [0, 1, 2, 3];
const SLOW_SOCKETS = 10;
const SLOW_STREAMS = 5;
/** Per slow reader: ten times the limit, of which one turn of the event loop may go beyond. Uncut, 20 MiB would wait. */
const MOST_UNREAD = 10 * 256 * 1024;

let backend: MisbehavingBackend;
let platform: Platform;
let second: string;
/** Large answers wait for this after their first piece. */
let begin: () => void = () => undefined;
let begun = Promise.resolve();

const sendLarge: SendAnswer = async (response, request, answer, call) => {
  const asked = JSON.stringify(request.messages.at(-1)?.content);
  if (!asked.includes('large')) return sendAnswer(response, request, answer, call);
  const frames = framesOf(call.id, request.model);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(frames.head);
  for (let piece = 0; piece < PIECES; piece += 1) {
    response.write(frames.piece(`${asked} ${piece} `.padEnd(PIECE_BYTES, '~')));
    // A pause lets the pieces go out one by one: together they were a record that is too large.
    await (piece === 0 ? begun : new Promise((resolve) => setTimeout(resolve, 4)));
  }
  response.end(frames.finish('stop') + frames.usage(answer) + DONE_FRAME);
};

before(async () => {
  backend = await startMisbehavingBackend();
  backend.always(sendLarge);
  platform = await startPlatform({
    env: {
      STENO_MODEL: 'openai:name/Over-There',
      OPENAI_BASE_URL: backend.baseUrl,
      OPENAI_API_KEY: 'sk-none',
    },
  });
  second = (await platform.start('gateway', { STENO_REPLY_PARTITION: '7' })).address ?? '';
});
after(async () => {
  await platform.stop();
  await backend.close();
});

function holdLarge(): void {
  begun = new Promise((resolve) => (begin = resolve));
}

test('WebSockets that are not read are cut, memory stays, the others lose nothing, the rest is there', async (context) => {
  const { slow, whole, clients, unread, resident } = await readLarge();
  context.after(() => clients.forEach((client) => client.close()));
  const most = Math.max(...unread);
  context.diagnostic(`at most ${mebibytes(most)} MiB waited for ${SLOW_SOCKETS} slow readers of 25 MiB each`);
  context.diagnostic(
    `resident memory went from ${mebibytes(resident[0])} to ${mebibytes(Math.max(...resident))} MiB`,
  );
  assert.ok(most > 0, 'nothing ever waited: the test shows nothing');
  assert.ok(most < SLOW_SOCKETS * MOST_UNREAD, `${most} bytes waited for readers that do not read`);

  for (const answer of whole.values()) {
    assert.equal(answer.outcome, 'completed');
    assert.equal(answer.text.length, PIECES * PIECE_BYTES);
  }
  for (const reader of slow) {
    reader.socket.resume();
    await until('the slow reader is cut', () => reader.isClosed || reader.isDone);
    let bytes = 0;
    for (const [inferenceId, { text, seqs }] of reader.seen) {
      bytes += text.length;
      assert.deepEqual(
        seqs,
        seqs.map((_, index) => index),
      );
      assert.ok(whole.get(inferenceId)?.text.startsWith(text), 'what was read is no beginning of the answer');
    }
    assert.equal(reader.seen.size, ANSWERS.length);
    assert.ok(bytes < ANSWERS.length * PIECES * PIECE_BYTES, 'a reader that did not read was not cut');
    assert.ok(!reader.isDone, 'a reader that was cut was told an end');
  }
  for (const [inferenceId, { text, seqs }] of slow[0]?.seen ?? []) {
    const answer = whole.get(inferenceId);
    const rest = await readRest(inferenceId, answer?.token ?? '', seqs.length - 1);
    assert.equal(text + rest, answer?.text);
  }
  const recorded = await readRecorded(platform);
  assert.deepEqual(problemsOf(clients, recorded).slice(0, 20), []);
});

/** Large answers to one client, small ones to others meanwhile, and sockets that ask for the large ones and do not read. */
async function readLarge() {
  holdLarge();
  const fast = new ChatClient(() => platform.url());
  const others = Array.from({ length: 5 }, () => new ChatClient(() => platform.url()));
  const messages = ANSWERS.map((number) => ({ id: `large-${number}`, text: `large ${number}` }));
  const large = messages.map((message) => fast.ask(message));
  const begun = (): boolean => seenBy(fast).filter(({ lastSeq }) => lastSeq >= 0).length === ANSWERS.length;
  await until('the large answers begin', begun);
  const slow = await Promise.all(Array.from({ length: SLOW_SOCKETS }, () => openSlowSocket(messages)));

  const unread = watchMetric(platform.url(), 'steno_gateway_unread_bytes');
  const resident = watchMetric(platform.url(), 'process_resident_memory_bytes');
  let isOver = false;
  const small = others.map(async (client) => {
    while (!isOver) await client.ask({ text: 'a small one [[tokens=20 pace=5]]' });
  });
  begin();
  const whole = new Map((await Promise.all(large)).map((answer) => [answer.inferenceId, answer]));
  isOver = true;
  await Promise.all(small);
  const clients = [fast, ...others];
  return { slow, whole, clients, unread: await unread.stop(), resident: await resident.stop() };
}

test('streams of events that are not read are cut, and go on after the last id', async () => {
  holdLarge();
  const fast = new SseClient(() => platform.url());
  const asked = fast.ask('large, as events');
  const [answer] = seenBy(fast);
  assert.ok(answer !== undefined);
  await until('the large answer begins', () => answer.lastSeq >= 0);
  const slow = await Promise.all(
    Array.from({ length: SLOW_STREAMS }, () =>
      fetch(`${platform.url()}/v1/chat`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': answer.requestId },
        body: JSON.stringify({ message: 'large, as events' }),
      }),
    ),
  );
  begin();
  assert.equal((await asked).outcome, 'completed');
  assert.equal(answer.text.length, PIECES * PIECE_BYTES);
  for (const response of slow) {
    assert.equal(response.status, 200);
    const { text, seqs, isDone } = await readEvents(response);
    assert.ok(!isDone && text.length < answer.text.length, 'a reader that did not read was not cut');
    assert.deepEqual(
      seqs,
      seqs.map((_, index) => index),
    );
    assert.equal(text + (await readRest(answer.inferenceId, answer.token, seqs.length - 1)), answer.text);
  }
});

type Seen = { text: string; readonly seqs: number[] };
type SlowSocket = {
  readonly socket: WebSocket;
  readonly seen: ReadonlyMap<string, Seen>;
  readonly isClosed: boolean;
  readonly isDone: boolean;
};

/** A socket that asks for the same large answers, hears that they are accepted, and reads no more until it is resumed. */
async function openSlowSocket(messages: readonly object[]): Promise<SlowSocket> {
  const seen = new Map<string, Seen>();
  let isDone = false;
  let isClosed = false;
  const socket = new WebSocket(`${platform.url().replace('http', 'ws')}/v1/chat`);
  socket.on('close', () => (isClosed = true));
  socket.on('error', () => undefined);
  socket.on('message', (data: Buffer) => {
    // Every frame of ours is a JSON object.
    const frame = JSON.parse(data.toString('utf8')) as Record<string, unknown>;
    const inferenceId = String(frame['inference_id']);
    if (frame['type'] === 'accepted') seen.set(inferenceId, { text: '', seqs: [] });
    if (frame['type'] === 'done') isDone = true;
    const answer = seen.get(inferenceId);
    if (frame['type'] !== 'delta' || answer === undefined) return;
    answer.seqs.push(Number(frame['seq']));
    answer.text += String(frame['text']);
  });
  await once(socket, 'open');
  for (const message of messages) socket.send(JSON.stringify({ type: 'message', ...message }));
  await until(
    'the slow socket begins',
    () => [...seen.values()].filter(({ seqs }) => seqs.length > 0).length === ANSWERS.length,
  );
  socket.pause();
  return {
    socket,
    seen,
    get isClosed() {
      return isClosed;
    },
    get isDone() {
      return isDone;
    },
  };
}

/** What another gateway shows of an answer after a seq. */
async function readRest(inferenceId: string, token: string, after: number): Promise<string> {
  const path = `/v1/inferences/${inferenceId}/stream?token=${encodeURIComponent(token)}`;
  const rest = await readEvents(await fetch(second + path, { headers: { 'last-event-id': String(after) } }));
  assert.ok(rest.isDone, 'the rest has no end');
  assert.deepEqual(
    rest.seqs,
    rest.seqs.map((_, index) => after + 1 + index),
  );
  return rest.text;
}

/** Reads whole events up to where the stream ends or breaks. */
async function readEvents(response: Response): Promise<Seen & { readonly isDone: boolean }> {
  const seen: Seen = { text: '', seqs: [] };
  let isDone = false;
  let rest = '';
  const decoder = new TextDecoder();
  try {
    for await (const bytes of response.body as AsyncIterable<Uint8Array>) {
      const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        if (block.includes('event: done')) isDone = true;
        if (!block.includes('event: delta')) continue;
        // Every event of ours carries a JSON object.
        const { seq, text } = JSON.parse(block.slice(block.indexOf('data: ') + 6)) as {
          seq: number;
          text: string;
        };
        seen.seqs.push(seq);
        seen.text += text;
      }
    }
  } catch {
    // Cut off: what came before is what counts.
  }
  return { ...seen, isDone };
}

function mebibytes(bytes = 0): number {
  return Math.round(bytes / 1024 / 1024);
}

function seenBy(client: { readonly answers: ReadonlyMap<string, SeenAnswer> }): readonly SeenAnswer[] {
  return [...client.answers.values()];
}
