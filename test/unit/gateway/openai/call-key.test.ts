import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exchange } from '../../../../gateway/http/exchange.ts';
import type { Transport } from '../../../../gateway/message.ts';
import { callKeyOf, type CallKey } from '../../../../gateway/openai/call-key.ts';
import { createRepeats } from '../../../../gateway/openai/repeats.ts';
import { problemOf, refuse } from '../../../../gateway/problems.ts';
import { submissionOf } from '../../../../gateway/requests.ts';
import { ORDINARY } from '../../../../policies/identity/grants.ts';

/** Returns how one caller's calls are keyed, each with the headers that it is sent with. */
function given(): (text: string, headers?: Record<string, string>, transport?: Transport) => CallKey {
  const repeats = createRepeats(() => 0);
  return (text, headers = {}, transport = 'responses') => {
    const exchange: Exchange = {
      call: {
        caller: { tenantId: 'acme', principal: 'ann', keyId: null },
        grants: ORDINARY,
        requestId: 'req',
        trace: null,
      },
      header: (name) => headers[name] ?? null,
      takeOver: () => assert.fail('nothing is answered'),
      onGone: () => undefined,
    };
    return callKeyOf(exchange, transport, submissionOf(text, {}), repeats);
  };
}

const retry = { 'x-stainless-retry-count': '1' };

test("the caller's key stands for the call, and may stand for an earlier one", () => {
  const { key, isNamed, mayRepeat } = given()('hi', { 'idempotency-key': 'mine' });
  assert.deepEqual([key, isNamed, mayRepeat], ['mine', true, true]);
});

test('a retry has the key of the call it repeats: on its own route, with its own body', () => {
  const call = given();
  const first = call('hi');
  assert.deepEqual([first.isNamed, first.mayRepeat], [false, false]);
  assert.equal(call('hi', retry).key, first.key);
  assert.notEqual(call('ho', retry).key, first.key);
  assert.notEqual(call('hi', retry, 'chat_completions').key, first.key);
  assert.equal(call('hi', retry).key, first.key);
  assert.notEqual(call('hi').key, first.key);
});

test('a call that came to nothing is tried afresh; one that was cut on the way goes on', () => {
  const call = given();
  const cut = call('hi');
  cut.onEnd(problemOf(refuse('draining', 'gone')));
  assert.equal(call('hi', retry).key, cut.key);
  cut.onEnd(null);
  assert.equal(call('hi', retry).key, cut.key);
  cut.onEnd(problemOf(refuse('timeout', 'late')));
  assert.notEqual(call('hi', retry).key, cut.key);
});
