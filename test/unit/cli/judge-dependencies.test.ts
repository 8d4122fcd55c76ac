import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  judgeAudit,
  judgeDependencies,
  lockSchema,
  manifestSchema,
} from '../../../cli/check/judge-dependencies.ts';

const good = { version: '1.0.0', integrity: 'sha512-x', license: 'MIT' };

function problemsOf(
  packages: Record<string, object>,
  dependencies: Record<string, string> = {},
): readonly string[] {
  const lock = lockSchema.parse({ packages: { '': {}, ...packages } });
  return judgeDependencies(manifestSchema.parse({ dependencies }), lock).problems;
}

test('what is pinned, hashed and free passes', () => {
  assert.deepEqual(problemsOf({ 'node_modules/a': good }, { a: '1.0.0', b: 'npm:@x/a@6.9.1' }), []);
});

test('a range, a missing hash and a licence that asks for more are each found', () => {
  for (const range of ['^1.0.0', '~1.0.0', '1.x', 'latest', '*', 'https://host/a.tgz', 'npm:a@^1.0.0'])
    assert.match(problemsOf({}, { a: range }).join(), /a is asked for/, range);
  assert.match(
    problemsOf({ 'node_modules/a': { version: '1.0.0', license: 'MIT' } }).join(),
    /a has no hash/,
  );
  assert.match(
    problemsOf({ 'node_modules/x/node_modules/@s/a': { ...good, license: 'AGPL-3.0' } }).join(),
    /^@s\/a.*AGPL/,
  );
  assert.match(problemsOf({ 'node_modules/a': { ...good, license: undefined } }).join(), /licence none/);
  const choice = (license: string): string => problemsOf({ 'node_modules/a': { ...good, license } }).join();
  assert.equal(choice('(MPL-2.0 OR Apache-2.0)'), '');
  assert.match(choice('(MPL-2.0 OR AGPL-3.0)'), /licence \(MPL/);
  assert.match(choice('(MIT AND AGPL-3.0)'), /licence \(MIT AND/);
  assert.match(choice('MPL-2.0'), /licence MPL/);
});

test('an optional package for another machine is noted', () => {
  const lock = lockSchema.parse({ packages: { 'node_modules/a': { version: '1.0.0', optional: true } } });
  const { problems, notes } = judgeDependencies(manifestSchema.parse({}), lock);
  assert.deepEqual([problems, notes.length], [[], 1]);
});

test('grave weaknesses fail, others are counted, and an audit that did not run says so', () => {
  const audit = (severity: string) => judgeAudit(JSON.stringify({ vulnerabilities: { a: { severity } } }));
  assert.match(audit('critical').problems.join(), /a has a weakness/);
  assert.match(audit('high').problems.join(), /a has a weakness/);
  assert.deepEqual(audit('low').problems, []);
  assert.match(
    judgeAudit('{"message": "405 Method Not Allowed - POST https://host/x"}').notes.join(),
    /not run \(405 Method Not Allowed\)/,
  );
  assert.match(judgeAudit('').notes.join(), /not run/);
});
