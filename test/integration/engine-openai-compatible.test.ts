import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Part } from '../../inference-workers/engine.ts';
import { createEngine } from '../../inference-workers/engines/create-engine.ts';
import { OpenAiCompatibleEngine } from '../../inference-workers/engines/openai-compatible/openai-compatible-engine.ts';
import { ScriptedEngine } from '../../inference-workers/engines/scripted/scripted-engine.ts';
import { parseCatalogue } from '../../inference-workers/models/catalogue.ts';
import { createExternalCalls } from '../../runtime/external-call.ts';
import { createLogger } from '../../runtime/logger.ts';
import { answer, aPrompt, engineContract } from '../contract/engine.ts';
import * as faults from '../support/misbehaving-backend.ts';
import { until } from '../support/until.ts';

/** The engine against a real HTTP server that speaks the API, and that misbehaves when it is told to. */

const LONG = 60_000;
const logger = createLogger({ role: 'test', level: 'silent' });
let backend: faults.MisbehavingBackend;
let engine: OpenAiCompatibleEngine;

before(async () => {
  backend = await faults.startMisbehavingBackend();
  engine = anEngine();
});
after(async () => {
  await engine.stop();
  await backend.close();
});

type Options = ConstructorParameters<typeof OpenAiCompatibleEngine>[0];

function anEngine(
  overrides: Partial<Options> & { readonly baseUrl?: string; readonly continues?: boolean } = {},
): OpenAiCompatibleEngine {
  const { baseUrl = backend.baseUrl, continues = false, ...options } = overrides;
  return new OpenAiCompatibleEngine({
    id: 'remote',
    backend: {
      ...{ baseUrl, continues, model: 'scripted', slots: 8, maxTokensField: 'max_tokens', omit: [] },
      breaker: { failures: 10, openMs: 5_000 },
    },
    apiKey: 'a secret key',
    firstTokenMs: LONG,
    tokenGapMs: LONG,
    calls: createExternalCalls(null),
    logger,
    retryPauseMs: 0,
    ...options,
  });
}

engineContract('openai-compatible', () => Promise.resolve(anEngine()));
engineContract('openai-compatible, with a backend that continues', () =>
  Promise.resolve(anEngine({ continues: true })),
);

/** Reads until the error and returns the text that came before it. */
async function textBefore(
  expected: Parameters<typeof assert.rejects>[1],
  asked: OpenAiCompatibleEngine = engine,
  signal = new AbortController().signal,
): Promise<string> {
  const parts: Part[] = [];
  await assert.rejects(async () => {
    for await (const part of asked.generate(aPrompt(), { signal })) parts.push(part);
  }, expected);
  assert.ok(
    parts.every(({ type }) => type === 'text'),
    'an answer that failed has no end',
  );
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

async function wholeText(): Promise<string> {
  return (await answer(new ScriptedEngine(), aPrompt())).text;
}

test('the answer is the model’s, byte for byte, with the key in its header', async () => {
  assert.equal((await answer(engine, aPrompt())).text, await wholeText());
  assert.equal(backend.requests.at(-1)?.authorization, 'Bearer a secret key');
});

test('start proves the model with one token, and a key that is refused ends it with a fix', async () => {
  await engine.start();
  assert.equal(backend.requests.at(-1)?.chat.maxTokens, 1);
  backend.next(faults.status(401, 'invalid_api_key'));
  await assert.rejects(engine.start(), { code: 'engine_failed', retryable: false, fix: /API key/ });
});

const UNAVAILABLE = { code: 'engine_unavailable', retryable: true };
const FAILED = { code: 'engine_failed' };
const statuses = [
  [401, 'invalid_api_key', { code: 'engine_failed', retryable: false }],
  [403, 'forbidden', { code: 'engine_failed', retryable: false }],
  [404, 'model_not_found', { code: 'model_not_loaded', retryable: false }],
  [400, 'context_length_exceeded', { code: 'prompt_too_large', retryable: false }],
  [400, 'exceed_context_size_error', { code: 'prompt_too_large', retryable: false }],
  [
    400,
    'unsupported_parameter',
    { code: 'engine_failed', retryable: false, message: /unsupported_parameter/ },
  ],
  [413, 'too_large', { code: 'prompt_too_large', retryable: false }],
  [429, 'insufficient_quota', { code: 'engine_failed', retryable: false }],
  [302, 'moved', { code: 'engine_failed', retryable: false }],
  [500, 'server_error', UNAVAILABLE],
  [503, 'loading', UNAVAILABLE],
] as const;
for (const [code, name, expected] of statuses) {
  test(`${code} ${name} is ${expected.code}`, async () => {
    backend.next(faults.status(code, name));
    assert.equal(await textBefore(expected), '');
  });
}

test('what a backend says in words reaches nobody: it may quote the prompt', async () => {
  backend.next(faults.status(400, 'bad_request'));
  await textBefore((error: Error) => !error.message.includes('as the test asked for'));
});

const broken = [
  ['a connection that breaks in the middle', faults.cut(5), UNAVAILABLE, 5],
  ['an answer that stops in good order without a finish reason', faults.unfinished(5), UNAVAILABLE, 5],
  [
    'an answer that the backend gave up',
    faults.frame(3, chunk('{},"finish_reason":"abort"')),
    UNAVAILABLE,
    3,
  ],
  ['a piece that is no JSON', faults.frame(4, 'data: {"choices":[\n\n'), FAILED, 4],
  ['a piece that is JSON and no chunk', faults.frame(4, 'data: 7\n\n'), FAILED, 4],
  ['an error in the stream', faults.frame(4, error('overloaded')), { ...FAILED, retryable: true }, 4],
  [
    'a prompt refused in the stream',
    faults.frame(0, error('context_length_exceeded')),
    { code: 'prompt_too_large' },
    0,
  ],
  ['a page in place of a stream', faults.page, { ...FAILED, fix: /baseUrl/ }, 0],
  ['a line without an end', faults.hugeLine(64 * 1024 * 1024), FAILED, 0],
] as const;
for (const [what, fault, expected, pieces] of broken) {
  test(`${what} is ${expected.code}, never an end`, async () => {
    backend.next(fault);
    const { pieces: all } = await answer(new ScriptedEngine(), aPrompt());
    const shown = all.slice(0, pieces).map(({ text }) => text);
    assert.equal(await textBefore(expected), shown.join(''));
  });
}

function chunk(rest: string): string {
  return `data: {"choices":[{"index":0,"delta":${rest}}]}\n\n`;
}

function error(code: string): string {
  return `data: {"error":{"message":"said in the middle","type":"server_error","code":"${code}"}}\n\n`;
}

for (const then of ['stays', 'ends', 'breaks'] as const) {
  test(`a whole answer without counts ends, also when its connection ${then}; the counts are estimated`, async () => {
    backend.next(faults.whole(then));
    const { text, end } = await answer(engine, aPrompt());
    const { text: whole, pieces } = await answer(new ScriptedEngine(), aPrompt({ maxTokens: 500 }));
    assert.deepEqual([text, end.finishReason], [whole.slice(0, text.length), 'stop']);
    assert.ok(text.length > 0 && end.promptTokens > 0 && end.completionTokens > 0);
    assert.ok(end.completionTokens <= 2 * pieces.length);
  });
}

test('headers that trickle in are waited for', async () => {
  backend.next(faults.slowHeaders);
  assert.equal((await answer(engine, aPrompt())).text, await wholeText());
});

test('halves of a character that come in two pieces are put together', async () => {
  backend.next(
    faults.frame(0, chunk('{"content":"\\ud83d"}') + chunk('{"content":"\\ude42!"},"finish_reason":"stop"')),
  );
  assert.equal((await answer(engine, aPrompt())).text, '🙂!');
});

test('a backend that counts along has its counts on the pieces', async () => {
  const counted = (content: string, tokens: number): string =>
    `data: {"choices":[{"delta":{"content":"${content}"}}],"usage":{"prompt_tokens":9,"completion_tokens":${tokens}}}\n\n`;
  backend.next(faults.frame(0, counted('two', 2) + counted(' five', 7)));
  const { pieces, end } = await answer(engine, aPrompt());
  assert.deepEqual(
    pieces.map(({ tokens }) => tokens),
    [2, 5],
  );
  assert.deepEqual([end.promptTokens, end.completionTokens], [9, 7]);
});

for (const [what, fault, pieces] of [
  ['says nothing', faults.hang, 0],
  ['stops in the middle', faults.stall(3), 3],
  ['sends nothing but comments', faults.drip(3), 3],
] as const) {
  test(`a backend that ${what} is left when the worker’s patience ends`, async () => {
    const patience = new AbortController();
    const reason = new Error('silent for too long');
    const before = backend.requests.length;
    const left = backend.left();
    backend.next(fault);
    const seen: Part[] = [];
    const asked = (async () => {
      for await (const part of engine.generate(aPrompt(), { signal: patience.signal })) seen.push(part);
    })();
    await until(
      'it was asked and gave its pieces',
      () => backend.requests.length > before && seen.length >= pieces,
    );
    patience.abort(reason);
    await assert.rejects(asked, reason);
    await until('the backend sees the connection close', () => backend.left() > left);
  });
}

test('a pause that a backend asks for is kept by every answer after it', async () => {
  const hasty = anEngine();
  backend.next(faults.status(429, 'rate_limit_exceeded', { 'retry-after-ms': '300' }));
  const before = performance.now();
  await textBefore(UNAVAILABLE, hasty);
  await Promise.all([answer(hasty, aPrompt()), answer(hasty, aPrompt())]);
  assert.ok(performance.now() - before >= 299, 'nobody was asked before the time');
  await hasty.stop();
});

test('a pause longer than we wait fails at once, without another request, and says how long', async () => {
  const hasty = anEngine();
  backend.next(faults.status(429, 'rate_limit_exceeded', { 'retry-after': '30' }));
  await textBefore(UNAVAILABLE, hasty);
  const asked = backend.requests.length;
  await textBefore((error: Error) => {
    assert.ok('facts' in error);
    // The facts of a StenoError.
    const { retryAfterMs } = error.facts as { readonly retryAfterMs: number };
    return retryAfterMs > 10_000 && retryAfterMs <= 30_000;
  }, hasty);
  assert.equal(backend.requests.length, asked);
  await hasty.stop();
});

test('a backend that is not there is unavailable', async () => {
  const gone = await faults.startMisbehavingBackend();
  await gone.close();
  const lonely = anEngine({ baseUrl: gone.baseUrl });
  await assert.rejects(lonely.start(), UNAVAILABLE);
  await lonely.stop();
});

test('an answer read to its end leaves its connection to the next', async () => {
  const patient = anEngine();
  const connections = backend.connections();
  const left = backend.left();
  const answers = 10;
  for (let count = 0; count < answers; count += 1) {
    const over = backend.over();
    backend.next(faults.lateEnd);
    await answer(patient, aPrompt());
    await until('the backend ended it', () => backend.over() > over);
  }
  assert.equal(backend.left() - left, 0);
  // The backend knows of an answer's end a moment before the next request can use its connection.
  assert.ok(backend.connections() - connections < answers);
  await patient.stop();
});

test('a catalogue entry makes this engine', async () => {
  const { models } = parseCatalogue({ models: [anEntry()] }, 'test');
  const [entry] = models;
  assert.ok(entry !== undefined);
  const made = createEngine(entry, { modelPath: null, logger, threads: null });
  assert.equal(made.slots, 32);
  await made.start();
  assert.equal(backend.requests.at(-1)?.chat.model, 'name-over-there');
  assert.equal(backend.requests.at(-1)?.authorization, undefined);
  await made.stop();
});

function anEntry(): unknown {
  return {
    id: 'remote',
    aliases: ['default'],
    pool: 'remote',
    engine: 'openai-compatible',
    backend: { baseUrl: backend.baseUrl, model: 'name-over-there' },
    contextLength: 8_192,
    maxOutputTokens: 1_024,
    quantisation: null,
    price: { inputPerMillion: 0.15, outputPerMillion: 0.6, currency: 'USD' },
    fileName: null,
    sizeBytes: null,
    sha256: null,
    sources: [],
  };
}
