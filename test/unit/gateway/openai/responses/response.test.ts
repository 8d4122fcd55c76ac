import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageEvent } from '../../../../../gateway/message.ts';
import { inferenceOfResponse, responseIdOf } from '../../../../../gateway/openai/responses/response-id.ts';
import {
  factsOfInference,
  factsOfMessage,
  responseJson,
} from '../../../../../gateway/openai/responses/response.ts';
import { submissionOf } from '../../../../../gateway/requests.ts';
import { foldAll } from '../../../../../projections/conversations/fold.ts';
import { inferenceOf } from '../../../../../projections/conversations/views.ts';
import { inferenceIdOf } from '../../../../../streams/ids.ts';
import { ORDINARY } from '../../../../../policies/identity/grants.ts';

const messageId = 'msg_2';
const inferenceId = inferenceIdOf(messageId);
const event = messageEvent({
  call: {
    caller: { tenantId: 'acme', principal: 'ann', keyId: null },
    grants: ORDINARY,
    requestId: 'req_1',
    trace: null,
  },
  transport: 'responses',
  submission: {
    ...submissionOf('hi', {
      parent_id: 'msg_1',
      temperature: 0.5,
      top_p: 0.9,
      max_tokens: 7,
      metadata: { a: 'b' },
    }),
    instructions: 'in French',
    format: { name: 'n', schema: '{"type":"object"}' },
    tools: {
      tools: [{ name: 'f', description: '', schema: '{"type":"object"}' }],
      ...{ choice: 'required', name: null, parallel: false },
    },
  },
  ids: { messageId, conversationId: 'conv_1', inferenceId },
  model: {
    ...{
      id: 'm',
      aliases: [],
      fallbacks: [],
      cacheSeconds: 0,
      pool: 'p',
      contextLength: 100,
      maxOutputTokens: 50,
    },
    price: { inputPerMillion: 0, outputPerMillion: 0, currency: 'USD' },
  },
  producer: { service: 'gateway', version: '1' },
  configVersion: 'c',
  fingerprint: 'f',
  replyPartition: 1,
  deltasFrom: 2,
  redactBeforeModel: [],
  fallbacks: [],
  template: null,
  canaryBucket: -1,
  cacheSeconds: 0,
  now: 1_700_000_000_999,
});

test('who takes a message in and who reads it from the read model later say the same of it', () => {
  const facts = factsOfMessage(event.data);
  // The broker's clock is another one, and no part of what a client is told.
  const logged = { ...event, topic: 'c', partition: 0, offset: 0, time: 1_700_000_009_000, trace: null };
  const row = [...foldAll([logged]).turns.values()][0];
  assert.ok(row !== undefined && row !== null);
  assert.deepEqual(factsOfInference(inferenceOf(row)), facts);
  assert.deepEqual(facts, {
    inferenceId,
    conversationId: 'conv_1',
    createdAt: 1_700_000_000,
    model: 'm',
    instructions: 'in French',
    previousResponseId: responseIdOf(inferenceIdOf('msg_1')),
    maxOutputTokens: 7,
    format: { name: 'n', schema: '{"type":"object"}' },
    tools: event.data.parameters.tools,
    temperature: 0.5,
    topP: 0.9,
    metadata: { a: 'b' },
  });
  assert.equal(factsOfInference({ ...inferenceOf(row), asked: null }), null);
});

test('the id of a response names its inference and back; nothing else is one', () => {
  assert.equal(inferenceOfResponse(responseIdOf(inferenceId)), inferenceId);
  assert.deepEqual([inferenceOfResponse(inferenceId), inferenceOfResponse('chatcmpl-1')], [null, null]);
});

test('a response that runs has no output; one that failed without a word has none either', () => {
  const facts = factsOfMessage(event.data);
  const problem = {
    ...{ status: 500, code: 'x', message: 'y', param: null, fix: null },
    ...{ retryable: false, retryAfterMillis: null },
  };
  const running = responseJson(facts, { type: 'running' });
  assert.deepEqual([running['status'], running['output'], running['usage']], ['in_progress', [], null]);
  const silent = responseJson(facts, { type: 'failed', text: '', problem });
  assert.deepEqual([silent['status'], silent['output']], ['failed', []]);
  assert.deepEqual(silent['error'], { code: 'x', message: 'y' });
});
