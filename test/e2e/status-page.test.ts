import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { sha256 } from '../../streams/ids.ts';
import { noBrowser, openBrowser } from '../support/browser.ts';
import { ChatClient } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { kill9, type RoleProcess } from '../support/role-process.ts';

/** The status page as somebody sees it: real roles, a real browser. */

const KEY = 'a-key-of-the-tests';
const CANARY = 'the-canary-sings-at-4711';

suite('the status page', { skip: noBrowser }, () => {
  let platform: Platform;
  let browser: Browser;
  let closed: RoleProcess;

  before(async () => {
    platform = await startPlatform();
    const keysFile = join(platform.dataDir, 'keys.json');
    await writeFile(
      keysFile,
      JSON.stringify({ keys: { [sha256(KEY)]: { tenant: 'acme', principal: 'ann' } } }),
    );
    closed = await platform.start('gateway', { STENO_KEYS_FILE: keysFile });
    browser = await openBrowser();
  });
  after(async () => {
    await browser.close();
    await platform.stop();
  });

  async function open(url: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
    const page = await browser.newPage(options);
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) problems.push(message.text());
    });
    page.on('close', () => assert.deepEqual(problems, []));
    await page.goto(url);
    return page;
  }

  test('it keeps itself fresh: a turn appears without a reload', async () => {
    const page = await open(platform.url());
    await page.getByText('Everything is up').waitFor();
    await page.getByText('0 accepted').waitFor();
    const client = new ChatClient(() => platform.url());
    await client.ask({ text: `${CANARY} [[tokens=5]]`, model: 'scripted' });
    client.close();
    await page.getByText('1 accepted').waitFor();
    await page.getByRole('img', { name: 'Answers by the time to their first token' }).waitFor();
    assert.equal((await page.content()).includes(CANARY), false);
    await page.close();
  });

  test('it is complete without scripts, and fits a phone', async () => {
    const page = await open(platform.url(), {
      javaScriptEnabled: false,
      viewport: { width: 360, height: 740 },
    });
    for (const heading of ['Roles', 'Workers', 'Queues of this gateway', 'Breakers', 'Lag by topic'])
      assert.equal(await page.getByRole('heading', { name: heading }).count(), 1, heading);
    await page.getByRole('cell', { name: 'inference-worker' }).waitFor();
    await page.close();
    const scripted = await open(platform.url(), { viewport: { width: 360, height: 740 } });
    // Runs in the page: its globals are the browser's.
    const wide = await scripted.evaluate('document.documentElement.scrollWidth > innerWidth');
    assert.equal(wide, false);
    await scripted.close();
  });

  test('a gateway with keys shows figures to those who have one, and to nobody else', async () => {
    const url = closed.address ?? '';
    assert.equal((await fetch(`${url}/status.json`)).status, 401);
    const page = await open(url);
    const field = page.getByLabel('API keys');
    assert.equal(await page.getByRole('heading', { name: 'Roles' }).count(), 0);
    await field.fill('not the key');
    await field.press('Enter');
    await page.getByText('This key is not valid.').waitFor();
    await field.fill(KEY);
    await field.press('Enter');
    await page.getByRole('heading', { name: 'Roles' }).waitFor();
    await page.close();
  });

  test('programs are told in JSON what is here, as before', async () => {
    const response = await fetch(platform.url(), { headers: { accept: 'application/json' } });
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
    const body = JSON.stringify(await response.json());
    assert.match(body, /"name":"steno"/);
    assert.match(body, /"GET \/status.json"/);
  });

  test('lag is told by the broker, also to Prometheus', async () => {
    const page = await open(platform.url());
    const row = page.getByRole('row', { name: 'prepare-turn conversations.v1' });
    await row.waitFor();
    await page.close();
    const metrics = await (await fetch(`${platform.url()}/metrics`)).text();
    const group = `${platform.cluster.prefix}-prepare-turn`;
    const topic = `${platform.cluster.prefix}.conversations.v1`;
    assert.match(
      metrics,
      new RegExp(
        `^kafka_consumergroup_lag\\{consumergroup="${group}",topic="${topic}",partition="\\d+".*\\} 0$`,
        'm',
      ),
    );
  });

  test('a role that is killed is shown as down, and up again when it is back', async () => {
    const page = await open(platform.url());
    await page.getByText('Everything is up').waitFor();
    await kill9(platform.find('processors'));
    await page.getByText('Down: processors').waitFor();
    await platform.start('processors');
    await page.getByText('Everything is up').waitFor();
    await page.close();
  });

  test('a gateway that is gone is said so, and what was shown stays', async () => {
    const page = await open(closed.address ?? '');
    await page.getByLabel('API keys').fill(KEY);
    await page.getByLabel('API keys').press('Enter');
    await page.getByRole('heading', { name: 'Roles' }).waitFor();
    await kill9(closed);
    await page.getByText('The gateway does not answer').waitFor();
    assert.equal(await page.getByRole('heading', { name: 'Roles' }).count(), 1);
    await page.close();
  });
});
