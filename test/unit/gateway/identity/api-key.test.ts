import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isSameMac,
  keyIdOf,
  looksLikeApiKey,
  macOf,
  makeApiKey,
} from '../../../../gateway/identity/api-key.ts';

const pepper = Buffer.from('pepper');

test('a key names its id, and its MAC depends on every character and on the pepper', () => {
  const { keyId, key } = makeApiKey();
  assert.equal(keyIdOf(key), keyId);
  assert.ok(looksLikeApiKey(key));
  const mac = macOf(key, pepper);
  assert.match(mac, /^[0-9a-f]{64}$/);
  assert.ok(isSameMac(mac, macOf(key, pepper)));
  assert.ok(!isSameMac(mac, macOf(`${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`, pepper)));
  assert.ok(!isSameMac(mac, macOf(key, Buffer.from('another'))));
  assert.ok(!isSameMac(mac, mac.slice(1)));
});

test('a thousand keys are a thousand', () => {
  const made = Array.from({ length: 1_000 }, makeApiKey);
  assert.equal(new Set(made.map(({ keyId }) => keyId)).size, 1_000);
  assert.equal(new Set(made.map(({ key }) => key)).size, 1_000);
});

test('what is no key has no id', () => {
  const { key } = makeApiKey();
  for (const text of [
    '',
    'none',
    'sk-proj-abc',
    key.slice(0, -1),
    `${key}A`,
    ` ${key}`,
    key.replace('_', '-'),
  ])
    assert.equal(keyIdOf(text), null, text);
});
