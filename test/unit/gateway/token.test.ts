import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokens } from '../../../gateway/token.ts';

const place = {
  tenantId: 'acme',
  conversationId: 'conv_1',
  messageId: 'msg_1',
  inferenceId: 'inf_1',
  replyPartition: 3,
  deltasFrom: 9_007_199_254_740_000,
};
const tokens = createTokens(Buffer.from('a secret'));

test('any gateway with the same secret opens what another sealed', () => {
  assert.deepEqual(createTokens(Buffer.from('a secret')).open(tokens.seal(place)), place);
});

test('a token of another secret names nothing', () => {
  assert.equal(createTokens(Buffer.from('another')).open(tokens.seal(place)), null);
});

test('a token changed in any byte names nothing', () => {
  const bytes = Buffer.from(tokens.seal(place), 'base64url');
  for (let index = 0; index < bytes.length; index += 1) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
    assert.equal(tokens.open(changed.toString('base64url')), null, `byte ${index}`);
  }
});

test('what is no token names nothing', () => {
  const token = tokens.seal(place);
  for (const text of [
    '',
    'x',
    'a b',
    token.slice(0, 20),
    token.slice(0, -1),
    `${token}AAAA`,
    '\u0000',
    'A'.repeat(100_000),
  ]) {
    assert.equal(tokens.open(text), null, text.slice(0, 30));
  }
});

test('two tokens of one place differ: nothing can be read off them', () => {
  assert.notEqual(tokens.seal(place), tokens.seal(place));
  assert.ok(!Buffer.from(tokens.seal(place), 'base64url').toString('latin1').includes('acme'));
});
