import assert from 'node:assert/strict';
import { WebSocket } from 'ws';
import type { SeenAnswer } from './chat-client.ts';
import { sseEvent } from './sse-event.ts';

/** What a reader has of an answer, over however many connections. */
export type Reading = { readonly seqs: number[]; text: string; ended: boolean };

/**
 * Goes on with an answer at a gateway where `reading` ends, and cuts the connection after so many bytes (frames on a
 * WebSocket). Throws if the gateway refuses. What was cut in the middle was not received.
 */
export type Transport = (gateway: string, answer: SeenAnswer, reading: Reading, room: Room) => Promise<void>;
export type Room = { readonly bytes: number; readonly frames: number };

type Fields = Readonly<Record<string, unknown>>;

/** Events of a response that precede its first delta. */
const PREAMBLE = 4;

const lastOf = (reading: Reading): number => reading.seqs.at(-1) ?? -1;

export const transports: Readonly<Record<string, Transport>> = {
  'WebSocket resume': resumeSocket,
  'SSE Last-Event-ID': (gateway, answer, reading, room) =>
    readEvents(
      streamOf(gateway, answer),
      lastOf(reading) < 0 ? {} : { 'last-event-id': String(lastOf(reading)) },
      room,
      (event, data) => takeFrame(reading, event, data),
    ),
  'SSE ?after=': (gateway, answer, reading, room) =>
    readEvents(`${streamOf(gateway, answer)}&after=${lastOf(reading)}`, {}, room, (event, data) =>
      takeFrame(reading, event, data),
    ),
  'Responses starting_after': (gateway, answer, reading, room) =>
    readEvents(
      `${gateway}/v1/responses/${answer.inferenceId.replace(/^inf_/, 'resp_')}?stream=true&starting_after=${lastOf(reading) + PREAMBLE}`,
      {},
      room,
      (event, data) => takeResponse(reading, event, data),
    ),
};

function streamOf(gateway: string, { inferenceId, token }: SeenAnswer): string {
  return `${gateway}/v1/inferences/${inferenceId}/stream?token=${encodeURIComponent(token)}`;
}

function takeFrame(reading: Reading, event: string, data: Fields): void {
  assert.ok(!['error', 'reset'].includes(event), `${event}: ${JSON.stringify(data)}`);
  if (event === 'done') reading.ended = true;
  if (event !== 'delta') return;
  reading.seqs.push(Number(data['seq']));
  reading.text += String(data['text']);
}

function takeResponse(reading: Reading, event: string, data: Fields): void {
  assert.ok(!['error', 'response.failed', 'response.incomplete'].includes(event), JSON.stringify(data));
  if (event === 'response.completed') reading.ended = true;
  if (event !== 'response.output_text.delta') return;
  reading.seqs.push(Number(data['sequence_number']) - PREAMBLE);
  reading.text += String(data['delta']);
}

async function readEvents(
  url: string,
  headers: Readonly<Record<string, string>>,
  room: Room,
  take: (event: string, data: Fields) => void,
): Promise<void> {
  const response = await fetch(url, { headers });
  if (response.status === 204) return take('done', {});
  assert.equal(response.status, 200, `${url}: ${response.status}`);
  const decoder = new TextDecoder();
  let left = room.bytes;
  let text = '';
  if (left === 0) return response.body?.cancel();
  // Leaving the loop cuts the connection.
  // A body of fetch is bytes.
  const body = (response.body ?? []) as AsyncIterable<Uint8Array>;
  for await (const chunk of body) {
    text += decoder.decode(chunk.subarray(0, left), { stream: true });
    left -= Math.min(left, chunk.length);
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const found = sseEvent(block);
      if (found !== null) take(found.event, found.data);
    }
    if (left === 0) return;
  }
}

async function resumeSocket(
  gateway: string,
  { token }: SeenAnswer,
  reading: Reading,
  room: Room,
): Promise<void> {
  const socket = new WebSocket(`${gateway.replace('http', 'ws')}/v1/chat`);
  const closed = Promise.withResolvers<null>();
  let left = room.frames;
  socket.on('error', closed.reject);
  socket.on('close', () => closed.resolve(null));
  socket.on('open', () => {
    socket.send(JSON.stringify({ type: 'resume', token, after: lastOf(reading) }));
    if (left === 0) socket.terminate();
  });
  socket.on('message', (data: Buffer) => {
    if (left <= 0) return;
    left -= 1;
    try {
      const frame = JSON.parse(data.toString('utf8')) as Fields;
      takeFrame(reading, String(frame['type']), frame);
    } catch (error) {
      closed.reject(error);
    }
    if (left === 0 || reading.ended) socket.terminate();
  });
  await closed.promise.finally(() => socket.terminate());
}
