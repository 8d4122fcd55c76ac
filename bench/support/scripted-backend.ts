import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { answerRequest, readChatRequest, type ChatRequest, type ScriptedAnswer } from './scripted-answer.ts';

/** A model server without a model, for what stands in front of one. */
export type ScriptedBackend = {
  /** What clients take for their base URL: http://127.0.0.1:<port>/v1 */
  readonly baseUrl: string;
  readonly port: number;
  /** Connections that clients opened so far. */
  readonly connections: () => number;
  readonly close: () => Promise<void>;
};

/** Answers one request with a prepared answer; a test's server puts its own here to misbehave. */
export type SendAnswer = (
  response: ServerResponse,
  request: ChatRequest,
  answer: ScriptedAnswer,
  call: { readonly id: string; readonly headers: IncomingMessage['headers'] },
) => void | Promise<void>;

const MODEL = 'scripted';
const JSON_TYPE = { 'content-type': 'application/json' };
const SSE_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };

/**
 * Serves `POST /v1/chat/completions` (streamed or not) and `GET /v1/models` on loopback. The answer is the scripted
 * engine's answer to the same last user message, so whoever asks can check every byte. One write a token; without a
 * pace all of them in one turn of the event loop.
 */
export async function startScriptedBackend(
  options: { readonly port?: number; readonly send?: SendAnswer } = {},
): Promise<ScriptedBackend> {
  const send = options.send ?? sendAnswer;
  let calls = 0;
  let connections = 0;
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const path = request.url?.split('?')[0];
    if (request.method === 'GET' && path === '/v1/models') {
      sendJson(response, 200, { object: 'list', data: [{ id: MODEL, object: 'model', owned_by: 'steno' }] });
      return;
    }
    if (request.method !== 'POST' || path !== '/v1/chat/completions') {
      sendError(response, 404, 'not_found', 'there is no such route');
      return;
    }
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text: string) => (body += text));
    request.on('end', () => {
      const chat = readChatRequest(body);
      if (chat === null) {
        sendError(response, 400, 'invalid_request_error', 'not a chat completion request');
        return;
      }
      calls += 1;
      const sent = send(response, chat, answerRequest(chat), {
        id: `chatcmpl-${calls}`,
        headers: request.headers,
      });
      // A client that left in the middle is none of the server's business.
      sent?.catch(() => response.destroy());
    });
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: options.port ?? 0, host: '127.0.0.1' }, resolve);
  });
  // A server that listens on a TCP port has an address object.
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    port,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers as a well-behaved model server does. */
export const sendAnswer: SendAnswer = (response, request, answer, { id }) => {
  if (request.stream) return streamAnswer(response, request, answer, id);
  const send = (): void => sendWhole(response, request, answer, id);
  const waitMs = answer.firstMs + answer.paceMs * Math.max(0, answer.pieces.length - 1);
  if (waitMs === 0) return send();
  setTimeout(send, waitMs);
};

/** The frames of a stream. All but the token itself is written once a request. */
export function framesOf(
  id: string,
  model: string,
): {
  readonly head: string;
  readonly piece: (text: string) => string;
  readonly finish: (reason: string) => string;
  readonly usage: (answer: ScriptedAnswer) => string;
} {
  const created = Math.floor(Date.now() / 1_000);
  const about = `data: {"id":"${id}","object":"chat.completion.chunk","created":${created},"model":${quote(model)},`;
  const choice = `${about}"choices":[{"index":0,"delta":`;
  return {
    head: `${choice}{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}\n\n`,
    piece: (text) => `${choice}{"content":${quote(text)}},"logprobs":null,"finish_reason":null}]}\n\n`,
    finish: (reason) => `${choice}{},"logprobs":null,"finish_reason":"${reason}"}]}\n\n`,
    usage: (answer) => `${about}"choices":[],"usage":${usageOf(answer)}}\n\n`,
  };
}

export const DONE_FRAME = 'data: [DONE]\n\n';

function streamAnswer(
  response: ServerResponse,
  request: ChatRequest,
  answer: ScriptedAnswer,
  id: string,
): void | Promise<void> {
  const frames = framesOf(id, request.model);
  const tail =
    frames.finish(answer.finishReason) + (request.includeUsage ? frames.usage(answer) : '') + DONE_FRAME;
  if (answer.firstMs > 0 || answer.paceMs > 0) return streamPaced(response, answer, frames, tail);
  response.writeHead(200, SSE_HEADERS);
  response.write(frames.head);
  for (const piece of answer.pieces) response.write(frames.piece(piece));
  response.end(tail);
}

async function streamPaced(
  response: ServerResponse,
  answer: ScriptedAnswer,
  frames: ReturnType<typeof framesOf>,
  tail: string,
): Promise<void> {
  const left = new AbortController();
  response.once('close', () => left.abort());
  if (answer.firstMs > 0) await delay(answer.firstMs, undefined, { signal: left.signal });
  response.writeHead(200, SSE_HEADERS);
  response.write(frames.head);
  for (const [index, piece] of answer.pieces.entries()) {
    if (index > 0) await delay(answer.paceMs, undefined, { signal: left.signal });
    response.write(frames.piece(piece));
  }
  response.end(tail);
}

function sendWhole(response: ServerResponse, request: ChatRequest, answer: ScriptedAnswer, id: string): void {
  const created = Math.floor(Date.now() / 1_000);
  const content = quote(answer.pieces.join(''));
  const body =
    `{"id":"${id}","object":"chat.completion","created":${created},"model":${quote(request.model)},"choices":[{"index":0,` +
    `"message":{"role":"assistant","content":${content}},"logprobs":null,"finish_reason":"${answer.finishReason}"}],` +
    `"usage":${usageOf(answer)}}`;
  response.writeHead(200, { ...JSON_TYPE, 'content-length': Buffer.byteLength(body) }).end(body);
}

/** Sends an error as the API has it. */
export function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  sendJson(response, status, { error: { message, type: code, param: null, code } });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { ...JSON_TYPE, 'content-length': Buffer.byteLength(body) }).end(body);
}

function usageOf({ promptTokens, completionTokens }: ScriptedAnswer): string {
  const total = promptTokens + completionTokens;
  return `{"prompt_tokens":${promptTokens},"completion_tokens":${completionTokens},"total_tokens":${total}}`;
}

/** Answers are made of few words: each is written as JSON once. */
const quoted = new Map<string, string>();
const MAX_QUOTED = 10_000;

function quote(text: string): string {
  const known = quoted.get(text);
  if (known !== undefined) return known;
  const json = JSON.stringify(text);
  if (quoted.size < MAX_QUOTED && text.length < 100) quoted.set(text, json);
  return json;
}
