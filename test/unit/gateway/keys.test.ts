import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { bearerOf, isLoopback, openKeys, parseKeys } from '../../../gateway/keys.ts';
import type { Logger } from '../../../runtime/logger.ts';

const folder = mkdtempSync(join(tmpdir(), 'steno-keys-'));
after(() => rmSync(folder, { recursive: true }));

function recorder(): { readonly lines: string[]; readonly logger: Logger } {
  const lines: string[] = [];
  const write = (sentence: string): void => void lines.push(sentence);
  const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
  return { lines, logger };
}

const digest = hash('sha256', 'sk-secret', 'hex');

test('a key is found by its hash, and gives tenant and principal', () => {
  const file = join(folder, 'keys.json');
  writeFileSync(file, JSON.stringify({ keys: { [digest]: { tenant: 'acme', principal: 'ann' } } }));
  const keys = openKeys({ keysFile: file, host: '0.0.0.0', auth: 'auto', jwt: null }, recorder().logger);
  assert.deepEqual(keys.find('sk-secret')?.caller, {
    tenantId: 'acme',
    principal: 'ann',
    keyId: digest.slice(0, 16),
  });
  assert.equal(keys.find('sk-other'), null);
  assert.equal(keys.find(digest), null);
  assert.equal(keys.find(null), null);
  keys.stop();
});

test('without a keys file loopback is open, with one warning, and any other address is refused', () => {
  const { lines, logger } = recorder();
  const keys = openKeys({ keysFile: null, host: '127.0.0.1', auth: 'auto', jwt: null }, logger);
  assert.deepEqual(keys.find(null)?.caller, { tenantId: 'default', principal: 'local', keyId: null });
  assert.equal(lines.length, 1);
  for (const host of ['0.0.0.0', '::', '192.168.1.5', 'example.com', '127.0.0.1.example.com']) {
    assert.throws(
      () => openKeys({ keysFile: null, host, auth: 'auto', jwt: null }, logger),
      { code: 'keys_required' },
      host,
    );
  }
});

test('a bad keys file is one error that quotes no hash', () => {
  const bad = [
    '',
    '[]',
    '{"keys": {"abc": {"tenant": "a", "principal": "b"}}}',
    `{"keys": {"${digest}": {"tenant": "a"}}}`,
    `{"keys": {"${digest}": {"tenant": "", "principal": "b", "admin": true}}}`,
  ];
  for (const text of bad) {
    assert.throws(
      () => parseKeys(text, 'keys.json'),
      (error: Error & { code?: string }) => error.code === 'bad_keys_file' && !error.message.includes(digest),
      text,
    );
  }
  assert.throws(
    () =>
      openKeys(
        { keysFile: join(folder, 'missing.json'), host: '127.0.0.1', auth: 'auto', jwt: null },
        recorder().logger,
      ),
    {
      code: 'bad_keys_file',
    },
  );
});

test('only a bearer key is a key', () => {
  assert.equal(bearerOf('Bearer abc'), 'abc');
  assert.equal(bearerOf('bearer abc'), 'abc');
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic abc',
    'Bearer a b',
    `Bearer ${'x'.repeat(501)}`,
  ]) {
    assert.equal(bearerOf(header), null, header);
  }
});

test('loopback addresses', () => {
  for (const host of ['localhost', '127.0.0.1', '127.8.9.1', '::1', '[::1]'])
    assert.ok(isLoopback(host), host);
  for (const host of ['', '0.0.0.0', '::', '10.0.0.1', 'localhost.example.com', '1127.0.0.1'])
    assert.ok(!isLoopback(host), host);
});
