import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { createStaticFiles } from '../../../../gateway/http/static-files.ts';

const body = 'body { color: black }\n'.repeat(100);
const files = new Map([['page.css', { body, type: 'text/css' }]]);
const statics = createStaticFiles(files);

async function ask(accept: string | null): Promise<{ encoding: string | undefined; bytes: Buffer }> {
  const found = await statics.reply(statics.version, 'page.css', accept);
  assert.ok(found !== null && Buffer.isBuffer(found.body));
  assert.equal(found.headers?.['vary'], 'accept-encoding');
  assert.match(found.headers['cache-control'] ?? '', /immutable/);
  return { encoding: found.headers['content-encoding'], bytes: found.body };
}

test('the smallest form that the client takes', async () => {
  const br = await ask('gzip, deflate, br;q=0.5');
  assert.deepEqual([br.encoding, brotliDecompressSync(br.bytes).toString()], ['br', body]);
  const gzip = await ask('gzip, br;q=0');
  assert.deepEqual([gzip.encoding, gunzipSync(gzip.bytes).toString()], ['gzip', body]);
  assert.ok(gzip.bytes.length < body.length / 10);
  for (const nothing of [null, '', 'identity', 'zstd', 'gzip;q=0.0'])
    assert.deepEqual(await ask(nothing), { encoding: undefined, bytes: Buffer.from(body) });
});

test('another version is another address', async () => {
  assert.equal(await statics.reply('0000000000000000', 'page.css', null), null);
  assert.equal(await statics.reply(statics.version, 'other.css', null), null);
  const changed = createStaticFiles(new Map([['page.css', { body: `${body} `, type: 'text/css' }]]));
  assert.notEqual(changed.version, statics.version);
  assert.equal(createStaticFiles(files).version, statics.version);
});
