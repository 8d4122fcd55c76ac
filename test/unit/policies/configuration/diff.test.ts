import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, diffOf } from '../../../../policies/configuration/diff.ts';

test('what is new, gone and another is named by its JSON Pointer', () => {
  const before = { routes: { chat: { model: 'a', canary: null }, old: { model: 'a' } } };
  const after = { routes: { chat: { model: 'b', canary: null }, 'a/b~c': { model: 'a' } } };
  assert.deepEqual(diffOf(before, after), [
    { path: '/routes/a~1b~0c', before: null, after: '{"model":"a"}' },
    { path: '/routes/chat/model', before: '"a"', after: '"b"' },
    { path: '/routes/old', before: '{"model":"a"}', after: null },
  ]);
  assert.deepEqual(diffOf(undefined, { a: 1 }), [{ path: '', before: null, after: '{"a":1}' }]);
  assert.deepEqual(diffOf({ a: 1, b: [{ y: 1, x: 2 }] }, { b: [{ x: 2, y: 1 }], a: 1 }), []);
});

test('applied to what was before, the differences give what is now', () => {
  const json = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(json, json, (one, other) => {
      // Through JSON, as a document is: -0 is 0 there.
      const [before, after] = [parse(canonicalJson(one)), parse(canonicalJson(other))];
      let value = before;
      for (const { path, after: text } of diffOf(before, after)) value = set(value, path, text);
      assert.deepEqual(value, after);
    }),
  );
});

function parse(text: string): unknown {
  return JSON.parse(text);
}

function set(value: unknown, path: string, text: string | null): unknown {
  if (path === '') return text === null ? undefined : parse(text);
  const [key = '', ...rest] = path.slice(1).split('/');
  const name = key.replaceAll('~1', '/').replaceAll('~0', '~');
  const entries = Object.entries(value as Record<string, unknown>).filter(([other]) => other !== name);
  const inner = Object.getOwnPropertyDescriptor(value, name)?.value as unknown;
  const next = set(inner, rest.length === 0 ? '' : `/${rest.join('/')}`, text);
  return Object.fromEntries(next === undefined ? entries : [...entries, [name, next]]);
}
