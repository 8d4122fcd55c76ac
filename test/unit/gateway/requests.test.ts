import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestIdOf, traceOf } from '../../../gateway/call.ts';
import { checkSubmission, fingerprintOf, idsOf } from '../../../gateway/message.ts';
import { createOrigins } from '../../../gateway/origins.ts';
import { parseJson, validate } from '../../../gateway/parse.ts';
import { chatRequest, clientFrame, submissionOf } from '../../../gateway/requests.ts';
import { inferenceIdOf } from '../../../streams/ids.ts';
import { ORDINARY } from '../../../policies/identity/grants.ts';

const call = {
  caller: { tenantId: 'acme', principal: 'ann', keyId: null },
  grants: ORDINARY,
  requestId: 'req_1',
  trace: '',
};
const hello = submissionOf('hello', {});

test('an unknown field is named, with what to do', () => {
  const error = { code: 'unknown_field', facts: { param: 'mesage', retryAfterMillis: undefined } };
  assert.throws(() => validate(chatRequest, { message: 'x', mesage: 'y' }), error);
  assert.throws(() => validate(clientFrame, { type: 'message', text: 'x', mesage: 'y' }), error);
});

test('__proto__ is refused at any depth and in any spelling', () => {
  for (const text of ['{"__proto__":{}}', '{"a":[{"__proto__":1}]}', '{"\\u005f_proto__":{"x":1}}']) {
    assert.throws(() => parseJson(text), { code: 'unknown_field' }, text);
  }
  assert.deepEqual(parseJson('{"message":"what is __proto__?"}'), { message: 'what is __proto__?' });
});

test('deep nesting is parsed without harm', () => {
  const text = '{"__proto__x":'.repeat(20_000) + '1' + '}'.repeat(20_000);
  assert.throws(() => validate(chatRequest, parseJson(text)), { code: 'unknown_field' });
});

test('the same key gives the same ids; every part of the scope gives others', () => {
  const ids = idsOf(call, 'chat', hello, 'k');
  assert.deepEqual(idsOf(call, 'chat', hello, 'k'), ids);
  assert.equal(ids.inferenceId, inferenceIdOf(ids.messageId));
  const bob = { ...call, caller: { tenantId: 'acme', principal: 'bob', keyId: null } };
  const other = { ...call, caller: { tenantId: 'other', principal: 'ann', keyId: null } };
  const named = submissionOf('hello', { conversation_id: 'conv_1' });
  const others = [
    idsOf(call, 'chat', hello, 'l'),
    idsOf(call, 'websocket', hello, 'k'),
    idsOf(bob, 'chat', hello, 'k'),
    idsOf(other, 'chat', hello, 'k'),
    idsOf(call, 'chat', named, 'k'),
    idsOf(call, 'chat', hello, null),
  ];
  assert.equal(new Set([ids, ...others].map(({ messageId }) => messageId)).size, 7);
  assert.equal(idsOf(call, 'chat', named, 'k').conversationId, 'conv_1');
});

test('without a key every message is another one', () => {
  assert.notEqual(idsOf(call, 'chat', hello, null).messageId, idsOf(call, 'chat', hello, null).messageId);
});

test('a fingerprint tells meanings apart', () => {
  assert.equal(fingerprintOf(hello), fingerprintOf(submissionOf('hello', {})));
  const others = [
    submissionOf('hello!', {}),
    submissionOf('hello', { max_tokens: 5 }),
    submissionOf('hello', { model: 'm' }),
  ];
  for (const other of others) assert.notEqual(fingerprintOf(hello), fingerprintOf(other));
});

test('fields that do not go together are refused by name', () => {
  const cases = [
    [submissionOf(undefined, {}), 'message'],
    [submissionOf('x', { kind: 'regenerate', target_id: 'm', conversation_id: 'c' }), 'message'],
    [submissionOf('x', { kind: 'edit', conversation_id: 'c' }), 'target_id'],
    [submissionOf('x', { target_id: 'm', conversation_id: 'c' }), 'kind'],
    [submissionOf('x', { parent_id: 'm' }), 'conversation_id'],
  ] as const;
  for (const [submission, param] of cases) {
    assert.throws(
      () => checkSubmission(submission, 'chat'),
      (error: { facts?: { param?: unknown } }) => error.facts?.param === param,
      param,
    );
  }
  checkSubmission(
    submissionOf(undefined, { kind: 'regenerate', target_id: 'm', conversation_id: 'c' }),
    'chat',
  );
});

test('request ids and traces of callers are taken only where they are harmless', () => {
  assert.equal(requestIdOf('abc-1.2_3'), 'abc-1.2_3');
  for (const id of [undefined, '', 'a b', 'a\r\nb', 'x'.repeat(129)])
    assert.match(requestIdOf(id), /^req_[\w-]{36}$/);
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  assert.equal(traceOf(trace), trace);
  const bad = [
    undefined,
    'x',
    `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
    `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  ];
  for (const header of bad) assert.equal(traceOf(header), null, header);
});

test('names that point here and pages of other sites are refused', () => {
  const open = {
    host: '127.0.0.1',
    allowedHosts: [],
    allowedOrigins: ['https://app.example.com'],
    keysRequired: false,
  };
  const origins = createOrigins(open);
  for (const host of ['localhost:8080', '127.0.0.1', '[::1]:8080'])
    assert.equal(origins.check(host, undefined), null);
  for (const host of [undefined, '', 'evil.com', 'evil.com:8080', 'localhost.evil.com']) {
    assert.throws(() => origins.check(host, undefined), { code: 'host_not_allowed' }, host);
  }
  assert.equal(origins.check('localhost:8080', 'http://localhost:8080'), null);
  assert.equal(origins.check('localhost:8080', 'https://app.example.com'), 'https://app.example.com');
  for (const origin of ['http://evil.com', 'null', 'http://localhost:9999']) {
    assert.throws(() => origins.check('localhost:8080', origin), { code: 'origin_not_allowed' }, origin);
  }
  const keyed = createOrigins({ ...open, keysRequired: true });
  assert.equal(keyed.check('10.0.0.7:8080', undefined), null);
});
