import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions, webSocketUrl } from '../../../client/client-options.js';
import { connect } from '../../../client/steno-client.js';

test("a gateway's address becomes its WebSocket's", () => {
  for (const [address, url] of [
    ['http://127.0.0.1:8080', 'ws://127.0.0.1:8080/v1/chat'],
    ['https://chat.example.com/', 'wss://chat.example.com/v1/chat'],
    ['https://example.com/steno/', 'wss://example.com/steno/v1/chat'],
    ['wss://example.com/v1/chat', 'wss://example.com/v1/chat'],
    ['ws://[::1]:8080?x=1#y', 'ws://[::1]:8080/v1/chat'],
  ] as const)
    assert.equal(webSocketUrl(address), url);
});

test('what cannot work is refused at once, and names the option', () => {
  const url = 'http://127.0.0.1:8080';
  for (const [param, options] of [
    ['url', {}],
    ['url', { url: [] }],
    ['url', { url: 'chat.example.com' }],
    ['url', { url: [url, 'ftp://example.com'] }],
    ['giveUpAfterMs', { url, giveUpAfterMs: 0 }],
    ['inactivityMs', { url, inactivityMs: Number.NaN }],
  ] as const)
    assert.throws(() => connect(options), { name: 'StenoError', code: 'invalid_option', param });
  assert.throws(() => connect({ url }).ask({ id: 'not an id', text: 'x' }), { param: 'id' });
  // A page that kept nothing hands over nothing.
  const nothing = JSON.parse('{}') as { token: string };
  assert.throws(() => connect({ url }).resume(nothing), { code: 'invalid_option', param: 'token' });
});

test('a key in an address is not taken along', () => {
  assert.equal(webSocketUrl('https://key:secret@example.com'), 'wss://example.com/v1/chat');
  assert.equal(readOptions({ url: 'http://a', key: 'k' }).session.key, 'k');
  const renewed = readOptions({ url: 'http://a', key: () => 'k' });
  assert.deepEqual([renewed.session.key, renewed.session.renewsKey, renewed.renewKey?.()], [null, true, 'k']);
  // A program without types may give anything.
  assert.throws(() => readOptions({ url: 'http://a', key: 7 as unknown as string }), {
    code: 'invalid_option',
  });
});
