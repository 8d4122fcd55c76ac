import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../runtime/config.ts';

const trusted = {
  STENO_JWT_ISSUER: 'https://login.example',
  STENO_JWT_AUDIENCE: 'steno',
  STENO_JWT_JWKS_URL: 'https://login.example/keys',
};

test('nobody’s tokens are taken unless somebody is named', () => {
  assert.equal(parseConfig({}).jwt, null);
  assert.deepEqual(parseConfig(trusted).jwt, {
    ...{ issuer: 'https://login.example', audience: 'steno' },
    ...{ jwksUrl: 'https://login.example/keys', tenantClaim: 'tenant' },
  });
});

test('a token issuer that is half named is an error, and so are keys that anybody on the way can change', () => {
  for (const name of Object.keys(trusted))
    assert.throws(() => parseConfig({ ...trusted, [name]: '' }), new RegExp(name), name);
  for (const url of [
    'http://login.example/keys',
    'http://127.0.0.1.evil.example/keys',
    'ftp://x/keys',
    'keys',
  ])
    assert.throws(() => parseConfig({ ...trusted, STENO_JWT_JWKS_URL: url }), /STENO_JWT_JWKS_URL/, url);
  for (const url of ['http://127.0.0.1:9000/keys', 'http://localhost:9000/keys'])
    assert.equal(parseConfig({ ...trusted, STENO_JWT_JWKS_URL: url }).jwt?.jwksUrl, url);
});
