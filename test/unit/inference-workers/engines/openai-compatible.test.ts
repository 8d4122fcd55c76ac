import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Part } from '../../../../inference-workers/engine.ts';
import {
  readRetryAfter,
  statusError,
} from '../../../../inference-workers/engines/openai-compatible/backend-error.ts';
import { chatBody } from '../../../../inference-workers/engines/openai-compatible/chat-body.ts';
import { finishReasonOf, parseChunk } from '../../../../inference-workers/engines/openai-compatible/chunk.ts';
import { readAnswer } from '../../../../inference-workers/engines/openai-compatible/read-answer.ts';
import type { Backend } from '../../../../inference-workers/models/model-entry.ts';
import { aPrompt } from '../../../contract/engine.ts';

function bodyOf(
  prompt: Parameters<typeof aPrompt>[0],
  overrides: Partial<Backend> = {},
): Readonly<Record<string, unknown>> {
  const backend: Backend = {
    baseUrl: 'http://host/v1',
    model: 'there',
    slots: 32,
    continues: false,
    maxTokensField: 'max_tokens',
    breaker: { failures: 5, openMs: 5_000 },
    omit: [],
    ...overrides,
  };
  // What chatBody writes is an object.
  return JSON.parse(chatBody(aPrompt(prompt), backend)) as Readonly<Record<string, unknown>>;
}

describe('the body of a request', () => {
  test('names the model, the parameters and a stream with counts', () => {
    assert.deepEqual(bodyOf({ messages: [{ role: 'user', text: 'Hi' }], stop: ['.'] }), {
      model: 'there',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 40,
      temperature: 0,
      top_p: 1,
      seed: 7,
      stop: ['.'],
    });
  });

  test('asks for JSON as it was asked for', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    const named = bodyOf({ format: { name: 'n', schema: JSON.stringify(schema) } });
    assert.deepEqual(named['response_format'], {
      ...{ type: 'json_schema', json_schema: { name: 'n', strict: true, schema } },
    });
    const any = bodyOf({ format: { name: '', schema: '{"type":"object"}' } });
    assert.deepEqual(any['response_format'], { type: 'json_object' });
  });

  test('leaves out what the backend does not take, and more stop strings than all take', () => {
    const body = bodyOf(
      { stop: ['a', 'b', 'c', 'd', 'e'] },
      { omit: ['temperature', 'seed'], maxTokensField: 'max_completion_tokens' },
    );
    for (const name of ['temperature', 'seed', 'stop', 'max_tokens']) assert.ok(!(name in body), name);
    assert.equal(body['max_completion_tokens'], 40);
  });

  test('goes on with a prefix only where the backend can', () => {
    const prompt = { messages: [{ role: 'user', text: 'Hi' }], prefix: 'Hello', prefixTokens: 3 } as const;
    assert.equal((bodyOf(prompt)['messages'] as unknown[]).length, 1);
    const body = bodyOf(prompt, { continues: true });
    assert.deepEqual((body['messages'] as unknown[]).at(-1), { role: 'assistant', content: 'Hello' });
    assert.deepEqual(
      [body['continue_final_message'], body['add_generation_prompt'], body['max_tokens']],
      [true, false, 37],
    );
  });
});

test('Retry-After is milliseconds, seconds or a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  for (const [headers, expected] of [
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'retry-after': '1.5' }, 1_500],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:07 GMT' }, 7_000],
    [{ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '-1' }, null],
    [{}, null],
  ] as const) {
    assert.equal(readRetryAfter(headers, now), expected, JSON.stringify(headers));
  }
});

test('a prompt that is too long is known by name or by words, in every dialect', () => {
  for (const body of [
    '{"error":{"message":"x","type":"invalid_request_error","code":"context_length_exceeded"}}',
    '{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}',
    '{"object":"error","message":"This model\'s maximum context length is 2048 tokens.","type":"BadRequestError"}',
    '{"error":"input length exceeds the context length"}',
  ]) {
    assert.equal(statusError(400, {}, body).code, 'prompt_too_large', body);
  }
  for (const body of ['', 'null', '<html>', '{"error":7}', '{"error":{"message":"no"}}']) {
    assert.equal(statusError(400, {}, body).code, 'engine_failed', body);
  }
});

test('finish reasons of servers are mapped; giving up is none', () => {
  const reasons = [
    'stop',
    'length',
    'content_filter',
    'tool_calls',
    'function_call',
    'eos',
    'abort',
    'error',
  ];
  assert.deepEqual(reasons.map(finishReasonOf), [
    ...['stop', 'length', 'content_filter', 'tool_calls', 'tool_calls', 'stop'],
    ...[null, null],
  ]);
});

test('chunks of all dialects are read, what is none is refused', () => {
  const empty = { text: '', calls: [], finishReason: null, usage: null };
  assert.deepEqual(parseChunk('{"choices":[],"prompt_filter_results":[]}'), empty);
  assert.deepEqual(
    parseChunk('{"choices":[{"delta":{"role":"assistant","content":null}}],"usage":null}'),
    empty,
  );
  assert.deepEqual(parseChunk('{"choices":[{"delta":{"reasoning_content":"hm"}}],"error":null}'), empty);
  const usage = '{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}';
  assert.deepEqual(parseChunk(`{"choices":[],"usage":${usage}}`).usage, {
    promptTokens: 5,
    completionTokens: 2,
    cachedTokens: 4,
  });
  for (const data of ['', '7', 'null', '[]', '{}', '{"choices":{}}', '{"choices":[']) {
    assert.throws(() => parseChunk(data), { code: 'engine_failed' }, data);
  }
});

test('a stop string that the backend did not look for ends the answer here', async () => {
  let isLeft = false;
  async function* events(): AsyncGenerator<readonly string[], void> {
    try {
      for (const content of ['one ', 'tw', 'o th', 'ree']) yield await Promise.resolve([chunkOf(content)]);
    } finally {
      isLeft = true;
    }
  }
  const parts: Part[] = [];
  for await (const part of readAnswer(events(), aPrompt({ stop: ['two'] }), () => undefined))
    parts.push(...part);
  assert.deepEqual(parts[0], { type: 'text', text: 'one ', tokens: 1 });
  assert.deepEqual([parts.length, parts[1]?.type === 'end' && parts[1].finishReason], [2, 'stop']);
  assert.ok(isLeft, 'the connection is left');
});

test('events that arrive together are handed on together, and what came before a bad one first', async () => {
  async function* events(): AsyncGenerator<readonly string[], void> {
    yield await Promise.resolve([chunkOf('one '), chunkOf('two '), chunkOf('three')]);
    yield [chunkOf(' four'), 'no chunk', chunkOf(' five')];
  }
  const parts: (readonly Part[])[] = [];
  await assert.rejects(
    async () => {
      for await (const batch of readAnswer(events(), aPrompt({}), () => undefined)) parts.push(batch);
    },
    { code: 'engine_failed' },
  );
  assert.deepEqual(parts, [
    ['one ', 'two ', 'three'].map((text) => ({ type: 'text', text, tokens: 1 })),
    [{ type: 'text', text: ' four', tokens: 1 }],
  ]);
});

function chunkOf(content: string): string {
  return JSON.stringify({ choices: [{ delta: { content } }] });
}
