import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endProblem, problemBody, problemHeaders, problemOf, refuse } from '../../../gateway/problems.ts';
import { StenoError } from '../../../runtime/errors.ts';

test('the body has all four keys, always', () => {
  for (const error of [
    refuse('not_found', 'no'),
    new Error('inside'),
    'text',
    refuse('unknown_field', 'x', { param: 'x' }),
  ]) {
    const body = JSON.parse(problemBody(problemOf(error))) as { error: object };
    assert.deepEqual(Object.keys(body.error).sort(), ['code', 'message', 'param', 'type']);
  }
});

test('what nobody expected says nothing of its inside', () => {
  const problem = problemOf(new Error('password of the database'));
  assert.equal(problem.status, 500);
  assert.ok(!problemBody(problem).includes('password'));
  assert.equal(
    problemOf(new StenoError('store_in_use', '/secret/path is in use')).message.includes('/secret'),
    false,
  );
});

test('an append whose result is unknown is 503 and retryable, never a rejection', () => {
  const problem = problemOf(new StenoError('append_unknown', 'unknown', { retryable: true }));
  assert.equal(problem.status, 503);
  assert.equal(problem.retryable, true);
  const headers = problemHeaders(problem);
  assert.equal(headers['retry-after'], '1');
  assert.equal(headers['retry-after-ms'], '1000');
  assert.equal(headers['x-should-retry'], undefined);
});

test('a wait is told in whole seconds and in milliseconds', () => {
  const headers = problemHeaders(
    problemOf(refuse('rate_limit_exceeded', 'slow down', { retryAfterMillis: 1_500 })),
  );
  assert.deepEqual([headers['retry-after'], headers['retry-after-ms']], ['2', '1500']);
});

test('a repeat that cannot help is told not to try', () => {
  assert.equal(problemHeaders(problemOf(refuse('idempotency_mismatch', 'x')))['x-should-retry'], 'false');
  assert.equal(problemHeaders(problemOf(new Error('x')))['x-should-retry'], 'false');
  assert.equal(problemHeaders(endProblem('engine_failed', null, false))['x-should-retry'], 'false');
});

test('ends of inferences have the status of their code', () => {
  const statuses = [
    ['not_found', 404],
    ['conversation_busy', 409],
    ['timeout', 504],
    ['too_large', 413],
    ['engine_failed', 500],
    ['made_up', 500],
  ] as const;
  for (const [code, status] of statuses) assert.equal(endProblem(code, 'reason', false).status, status, code);
});
