import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { apiOf } from '../support/api.ts';
import { noBrowser, openBrowser } from '../support/browser.ts';
import { findingsOf, openChat, picture } from '../support/chat-page.ts';
import { makeKey } from '../support/make-key.ts';
import { startPlatform, type Platform } from '../support/platform.ts';

/** The README's page of somebody else, with the chat element in it: another origin, its own server, client tokens. */

suite('the chat element', { skip: noBrowser }, () => {
  let platform: Platform;
  let browser: Browser;
  let shop: Server;
  let address = '';
  let key = '';
  let tokens = 0;

  before(async () => {
    const html = await readExample();
    shop = createServer((request, response) => {
      if (request.url !== '/chat-token')
        return void response
          .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
          .end(html.replaceAll('https://gateway.example.com', platform.url()));
      tokens += 1;
      void apiOf(platform.url(), key)
        .send('POST', '/v1/client-tokens', { user: 'alice' })
        .then(({ text }) => response.writeHead(200, { 'content-type': 'application/json' }).end(text));
    });
    shop.listen(0, '127.0.0.1');
    await once(shop, 'listening');
    // A TCP server's address is an object.
    address = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
    platform = await startPlatform({ env: { STENO_AUTH: 'required', STENO_ALLOWED_ORIGINS: address } });
    key = await makeKey(platform, 'acme', 'shop');
    browser = await openBrowser();
  });
  after(async () => {
    await browser.close();
    shop.close();
    await platform.stop();
  });

  test('it chats with a client token, goes on in its conversation, and stops', async () => {
    const page = await openChat(browser, address);
    const field = page.getByLabel('Your message');
    await field.fill('**bold** words [[echo=1]]');
    await field.press('Enter');
    await page.locator('steno-chat strong').waitFor();
    await page.getByRole('button', { name: 'Send' }).waitFor();
    await field.fill('more [[tokens=500 pace=20]]');
    await field.press('Enter');
    await page
      .locator('.answer')
      .last()
      .getByText(/\w+ \w+/)
      .waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Send' }).waitFor();
    assert.deepEqual(await findingsOf(page), []);
    await picture(page, '7-widget');
    await page.close();
    assert.equal(tokens, 1);
    const token = await apiOf(platform.url(), key).send('POST', '/v1/client-tokens', { user: 'alice' });
    const listed = await apiOf(platform.url(), String(token.field('token'))).get('/v1/conversations');
    const items = listed.field('items') as readonly { turns: number }[];
    assert.deepEqual(
      items.map(({ turns }) => turns),
      [2],
    );
  });

  test('the example is as short as the README says', async () => {
    assert.ok((await readExample()).trim().split('\n').length <= 20);
  });
});

/** The page in the README. */
async function readExample(): Promise<string> {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  return /```html\n([\s\S]*?)```/.exec(readme)?.[1] ?? assert.fail('the README has no page');
}
