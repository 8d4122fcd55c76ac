import assert from 'node:assert/strict';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { after, before, suite, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { sha256 } from '../../streams/ids.ts';
import { hostileMarkdown } from '../fixtures/hostile-markdown.ts';
import { noBrowser, openBrowser } from '../support/browser.ts';
import { openChat, send } from '../support/chat-page.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** What models say is shown and does nothing; who has no key is shown nothing. */

const KEY = 'a-key-of-the-tests';

/** What must be nowhere in an answer, as a program for the page. */
const ACTIVE = `[...document.querySelectorAll('.markdown, .markdown *')].flatMap((node) => [
  ...(/^(P|BR|HR|EM|STRONG|DEL|CODE|PRE|BLOCKQUOTE|UL|OL|LI|A|H3|H4|H5|H6|TABLE|THEAD|TBODY|TR|TH|TD|DIV|SPAN|BUTTON)$/.test(node.tagName) ? [] : [node.outerHTML]),
  ...[...node.attributes].filter(({ name, value }) =>
    /^on|^style$|^id$|^name$|^src|^action$|^ping$|^background$/.test(name) || (name === 'href' && !/^(https?|mailto):/i.test(value))
  ).map(({ name, value }) => name + '=' + value),
])`;

suite('hostile answers and strangers', { skip: noBrowser }, () => {
  let platform: Platform;
  let browser: Browser;

  before(async () => {
    platform = await startPlatform();
    browser = await openBrowser();
  });
  after(async () => {
    await browser.close();
    await platform.stop();
  });

  test(`${hostileMarkdown.length} answers that want to be more than text run nothing, load nothing and look like nothing of the page`, async () => {
    const page = await openChat(browser, `${platform.url()}/chat`);
    const foreign: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(platform.url())) foreign.push(request.url());
    });
    for (let first = 0; first < hostileMarkdown.length; first += 8) {
      const some = hostileMarkdown.slice(first, first + 8);
      for (const [index, hostile] of some.entries()) {
        await send(page, `${hostile} [[echo=1]]`);
        await until(
          `${hostile} is answered`,
          async () => (await page.locator('.turn .facts:not(:empty)').count()) === index + 1,
        );
      }
      assert.deepEqual(await page.evaluate(ACTIVE), [], some.join('\n'));
      assert.equal(await page.evaluate('typeof pwned'), 'undefined', some.join('\n'));
      // Every link may be touched: none of them runs anything.
      await page.evaluate(
        'for (const link of document.querySelectorAll(".markdown a")) for (const type of ["mouseover", "focus"]) link.dispatchEvent(new Event(type, { bubbles: true }))',
      );
      assert.equal(await page.evaluate('typeof pwned'), 'undefined', some.join('\n'));
      await page.getByRole('button', { name: 'New chat' }).click();
    }
    assert.deepEqual(foreign, []);
    await page.close();
  });

  test('a conversation that was named by a hostile message is a name in list, heading and title', async () => {
    const page = await openChat(browser, `${platform.url()}/chat`);
    await send(page, '<img src=x onerror=pwned=1> [[tokens=1]]');
    await page.getByRole('heading', { name: '<img src=x onerror=pwned=1>', level: 1 }).waitFor();
    await page.locator('.conversations').getByText('<img src=x onerror=pwned=1>').first().waitFor();
    assert.equal(await page.locator('#title img, .conversations img').count(), 0);
    await page.close();
  });

  test('where a key is needed it is asked for, and kept for this tab alone', async () => {
    const keysFile = join(platform.dataDir, 'keys.json');
    const keys = { [sha256(KEY)]: { tenant: 'acme', principal: 'ann' } };
    await writeFile(keysFile, JSON.stringify({ keys }));
    const closed = await platform.start('gateway', { STENO_KEYS_FILE: keysFile });
    const context = await browser.newContext();
    const page = await openChat(context, `${closed.address ?? ''}/chat`);
    const field = page.getByLabel('API keys');
    await field.fill('not the key');
    await field.press('Enter');
    await page.getByText('The API key is missing or not valid').waitFor();
    await field.fill(KEY);
    await field.press('Enter');
    await field.waitFor({ state: 'hidden' });
    await send(page, 'hello [[tokens=2]]');
    await page.getByText('The answer is complete.').waitFor({ state: 'attached' });
    await page.reload();
    await page.locator('.turn').waitFor();
    assert.equal(JSON.stringify(await page.evaluate('({ ...localStorage })')).includes(KEY), false);
    assert.equal(page.url().includes(KEY), false);
    await page.close();
    const other = await openChat(context, `${closed.address ?? ''}/chat`);
    await other.getByLabel('API keys').waitFor();
    await other.close();
    await context.close();
  });
});
