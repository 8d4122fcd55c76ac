import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiOf } from '../../../gateway/http/openapi.ts';
import { operations, type Operation } from '../../../gateway/http/operations.ts';

const list: readonly Operation[] = operations;
const document = openApiOf(operations, '1.2.3');
const paths = document['paths'] as Record<string, Record<string, Record<string, unknown>>>;

test('every operation is in the document, once', () => {
  assert.equal(new Set(list.map(({ id }) => id)).size, list.length);
  assert.equal(new Set(list.map(({ method, path }) => `${method} ${path}`)).size, list.length);
  for (const { id, method, path } of list)
    assert.equal(paths[path]?.[method.toLowerCase()]?.['operationId'], id);
});

test('whatever touches a conversation asks for a key, and so do the figures of the status page', () => {
  for (const { id, tag, secured } of list) assert.equal(secured, tag !== 'operations' || id === 'status', id);
});

test('every parameter of a path is checked', () => {
  for (const { id, path, params } of list) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    assert.deepEqual(Object.keys(params?.shape ?? {}), named, id);
  }
});

test('bodies and queries refuse unknown fields', () => {
  for (const { id, body, query, openBody } of list) {
    for (const schema of openBody === true ? [query] : [body, query]) {
      const issues = schema?.safeParse({ no_such_field: 1 }).error?.issues;
      if (schema !== undefined)
        assert.ok(
          issues?.some(({ code }) => code === 'unrecognized_keys'),
          id,
        );
    }
  }
});

test('the document holds no reference that leads nowhere, and is JSON', () => {
  const text = JSON.stringify(document);
  for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g))
    assert.equal(name, 'Error');
  assert.equal(document['openapi'], '3.1.0');
  assert.ok(!text.includes('$schema'));
});
