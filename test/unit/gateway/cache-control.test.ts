import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheSecondsOfHeader } from '../../../gateway/call.ts';

test('Cache-Control says how old an answer may be', () => {
  for (const [header, seconds] of [
    [undefined, null],
    ['', null],
    ['no-cache', 0],
    ['No-Store, max-age=60', 0],
    ['max-age=60', 60],
    ['max-age=0', 0],
    ['private, MAX-AGE=7', 7],
    ['max-age=-1', null],
    ['max-age=9999999999', null],
    ['only-if-cached', null],
  ] as const)
    assert.equal(cacheSecondsOfHeader(header), seconds, String(header));
});
