import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClientTokens, looksLikeClientToken } from '../../../../gateway/identity/client-tokens.ts';
import { mayCall, ORDINARY, type Grants } from '../../../../policies/identity/grants.ts';
import { createTokens } from '../../../../gateway/token.ts';
import { mutated } from '../../../support/mutated.ts';
import { seededRandom } from '../../../support/random.ts';

const secret = Buffer.from('a secret');
const paths = [
  { method: 'POST', path: '/v1/chat' },
  { method: 'POST', path: '/v1/responses' },
  { method: 'GET', path: '/v1/models' },
];
const bearer = {
  tenantId: 'acme',
  principal: 'user:alice',
  keyId: 'k1',
  models: null,
  expiresAt: Date.now() + 600_000,
};

function tokensUnder(grants: Grants | null, of = secret) {
  return createClientTokens(of, paths, { grantsOf: () => grants });
}

test('a token names its user and is good for what browsers may', () => {
  const tokens = tokensUnder(ORDINARY);
  const token = tokens.seal(bearer);
  assert.ok(looksLikeClientToken(token));
  const found = tokens.find(token);
  assert.deepEqual(found?.caller, { tenantId: 'acme', principal: 'user:alice', keyId: 'k1' });
  assert.equal(found.isValid(), true);
  const may = (path: string): boolean => mayCall(found.grants, { port: 'clients', method: 'POST', path });
  assert.equal(may('/v1/chat'), true);
  assert.equal(may('/v1/client-tokens'), false);
  assert.equal(may('/status.json'), false);
});

test('a token is good for nothing that its key is not', () => {
  const narrow: Grants = {
    role: 'user',
    models: ['a', 'b'],
    topics: null,
    routes: ['/v1/chat', '/v1/models'],
  };
  const tokens = tokensUnder(narrow);
  assert.deepEqual(tokens.find(tokens.seal(bearer))?.grants, { ...narrow, topics: [] });
  assert.deepEqual(tokens.find(tokens.seal({ ...bearer, models: ['b', 'c'] }))?.grants.models, ['b']);
});

test('a token dies with its key, with its time, and elsewhere', () => {
  const token = tokensUnder(ORDINARY).seal(bearer);
  assert.equal(tokensUnder(null).find(token), null);
  assert.equal(tokensUnder(ORDINARY, Buffer.from('another')).find(token), null);
  const over = tokensUnder(ORDINARY);
  assert.equal(over.find(over.seal({ ...bearer, expiresAt: Date.now() - 1 })), null);
});

test('20,000 tokens that differ in a character are refused', () => {
  const random = seededRandom(6);
  const tokens = tokensUnder(ORDINARY);
  const places = createTokens(secret);
  const place = { tenantId: 'acme', conversationId: 'c', messageId: 'm', inferenceId: 'i' };
  const [client, resume] = [tokens.seal(bearer), places.seal({ ...place, replyPartition: 1, deltasFrom: 2 })];
  for (let tried = 0; tried < 10_000; tried += 1) {
    const [one, other] = [mutated(client, random), mutated(resume, random)];
    if (one !== client) assert.equal(tokens.find(one), null, one);
    if (other !== resume) assert.equal(places.open(other), null, other);
  }
});

test('a token sealed for one purpose is good for no other', () => {
  const resume = createTokens(secret).seal({
    ...{ tenantId: 'acme', conversationId: 'c', messageId: 'm', inferenceId: 'i' },
    ...{ replyPartition: 1, deltasFrom: 2 },
  });
  assert.equal(tokensUnder(ORDINARY).find(`ct-steno-${resume}`), null);
});
