import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { environmentProblems, exportProblems, purityProblems } from './code-problems.ts';
import { readRepository } from './repository.ts';

const repository = readRepository();

describe('pure files', () => {
  test('are pure in this repository', () => {
    assert.deepEqual(purityProblems(repository), []);
  });

  const impure: [what: string, text: string][] = [
    ['a clock', 'export const now = Date.now();'],
    ['a date', 'export const now = new Date();'],
    ['randomness', 'export const dice = Math.random();'],
    ['the environment', 'export const home = process.env;'],
    ['a log', `console.log('x');`],
    ['a timer', 'setTimeout(() => {}, 1);'],
    ['a global in disguise', 'export const clock = performance;'],
    ['node:crypto', `import { randomUUID } from 'node:crypto';`],
    ['a bare builtin', `import { readFileSync } from 'fs';`],
    ['a package', `import { z } from 'zod';`],
    ['an async function', 'export async function decide() {}'],
    ['an await', 'export const x = await y;'],
  ];
  for (const [what, text] of impure) {
    test(`finds ${what}`, () => {
      assert.notDeepEqual(purityProblems([{ path: 'processors/route/process.ts', text }]), []);
      assert.deepEqual(purityProblems([{ path: 'gateway/start.ts', text }]), []);
    });
  }

  for (const path of [
    'processors/a/decide.ts',
    'projections/a/evolve.ts',
    'schemas/upcasters/a.ts',
    'policies/a.ts',
  ]) {
    test(`covers ${path}`, () => {
      assert.notDeepEqual(purityProblems([{ path, text: 'export const now = Date.now();' }]), []);
    });
  }

  test('may be named process, use Math and carry a field named Date', () => {
    const text = `export function process(e: E) { return [Math.max(e.Date, e.process.x)]; } const again = process(e);`;
    assert.deepEqual(purityProblems([{ path: 'processors/route/process.ts', text }]), []);
  });
});

describe('the environment', () => {
  test('is read in one place of this repository', () => {
    assert.deepEqual(environmentProblems(repository), []);
  });

  test('finds a second reader', () => {
    const direct = { path: 'gateway/start.ts', text: `const port = process.env['PORT'];` };
    const imported = { path: 'streams/log.ts', text: `import { env } from 'node:process';` };
    assert.equal(environmentProblems([direct, imported]).length, 2);
  });
});

describe('exports', () => {
  test('are named one by one in this repository', () => {
    assert.deepEqual(exportProblems(repository), []);
  });

  const texts = [
    'export default 1;',
    'export default function run() {}',
    'const a = 1; export { a as default };',
    `export * from './a.ts';`,
    `export * as all from './a.ts';`,
  ];
  for (const text of texts) {
    test(`finds ${text}`, () => {
      assert.equal(exportProblems([{ path: 'gateway/start.ts', text }]).length, 1);
    });
  }
});
