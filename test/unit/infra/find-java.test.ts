import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findJava, parseJava } from '../../../infra/kafka/parts/find-java.ts';

const settings = (version: string): string =>
  `Property settings:\n    java.home = /opt/a java\n    java.specification.version = ${version}\n    java.vendor = X\n`;

test('the version and home of a modern Java are read', () => {
  assert.deepEqual(parseJava(settings('17')), { version: 17, home: '/opt/a java' });
  assert.deepEqual(parseJava(settings('25')), { version: 25, home: '/opt/a java' });
});

test('the version of Java 8 is the number after "1."', () => {
  assert.equal(parseJava(settings('1.8'))?.version, 8);
});

test('output that is not of Java gives nothing', () => {
  assert.equal(parseJava('command not found: java'), null);
  assert.equal(parseJava(''), null);
});

test('a STENO_JAVA that will not do is refused instead of passed over', async () => {
  const progress = { step: () => assert.fail('nothing is fetched'), line: () => undefined };
  const search = findJava({
    env: { ...process.env, STENO_JAVA: process.execPath },
    cacheDir: 'unused',
    progress,
  });
  await assert.rejects(search, { code: 'java_missing', message: /^STENO_JAVA names/ });
});
