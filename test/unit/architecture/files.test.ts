import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Lock, Manifest } from './file-problems.ts';
import { dependencyProblems, lengthProblems, lockProblems, nameProblems } from './file-problems.ts';
import { readRepository } from './repository.ts';

const repository = readRepository();

function readJson(path: string): unknown {
  return JSON.parse(repository.find((file) => file.path === path)?.text ?? 'null');
}

describe('files', () => {
  test('are at most 300 lines long in this repository', () => {
    assert.deepEqual(lengthProblems(repository), []);
  });

  test('finds a file of 301 lines, and leaves one of 300 and generated ones', () => {
    const file = (path: string, lines: number) => ({ path, text: 'x\n'.repeat(lines) });
    const files = [
      file('a.ts', 301),
      file('b.ts', 300),
      file('docs/c.md', 301),
      file('schemas/generated/d.ts', 301),
    ];
    assert.deepEqual(lengthProblems(files), [
      'a.ts has 301 lines; the limit is 300',
      'docs/c.md has 301 lines; the limit is 300',
    ]);
  });

  test('have telling names in kebab-case in this repository', () => {
    assert.deepEqual(nameProblems(repository), []);
  });

  const names = ['gateway/chatRoute.ts', 'gateway/Chat.ts', 'gateway/chat_route.ts', 'Gateway/chat.ts'];
  const empty = ['gateway/utils.ts', 'gateway/common/chat.ts', 'gateway/types.ts', 'gateway/helpers/chat.ts'];
  for (const path of [...names, ...empty]) {
    test(`finds the name ${path}`, () => {
      assert.equal(nameProblems([{ path, text: '' }]).length, 1);
    });
  }

  test('may be named as the ecosystem names them', () => {
    const paths = ['README.md', 'docs/decisions/0001-node.md', '.env.example', 'test/unit/a-b.test.ts'];
    assert.deepEqual(nameProblems(paths.map((path) => ({ path, text: '' }))), []);
  });
});

describe('dependencies', () => {
  test('are pinned and used in this repository', () => {
    // package.json is checked by npm itself; only these two fields are read here.
    assert.deepEqual(dependencyProblems(readJson('package.json') as Manifest, repository), []);
  });

  test('finds ranges and what nothing imports', () => {
    const manifest = { dependencies: { a: '^1.0.0', b: '1.0.0' }, devDependencies: { c: '1.0.0' } };
    const files = [{ path: 'x.ts', text: `import 'a'; import type { B } from 'b/deep.js';` }];
    assert.deepEqual(dependencyProblems(manifest, files), [
      'a is not pinned exactly: ^1.0.0',
      'c is not imported anywhere',
    ]);
  });

  test('the lockfile covers every platform', () => {
    assert.deepEqual(lockProblems(readJson('package-lock.json') as Lock), []);
  });

  test('finds a platform that the lockfile leaves out', () => {
    const a = { optionalDependencies: { 'a-linux': '1.0.0', 'a-mac': '1.0.0', 'a-win': '1.0.0' } };
    const packages = {
      'node_modules/a': a,
      'node_modules/a-linux': {},
      'node_modules/a/node_modules/a-mac': {},
    };
    assert.deepEqual(lockProblems({ packages }), [
      'package-lock.json lists no a-win, which node_modules/a may need on another platform',
    ]);
  });
});
