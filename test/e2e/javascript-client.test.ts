import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { connect } from '../../client/steno-client.js';
import { noBrowser, openBrowser } from '../support/browser.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { kill9 } from '../support/role-process.ts';

/** The JavaScript client in a page of a site that is not the gateway's, in a real browser. */

/** Shows an answer, or how it failed, and keeps what is needed to go on after a reload. */
const PAGE = `<!doctype html><title>chat</title><p id="answer"></p><p id="state"></p><p id="gateway"></p>
<button>Stop</button><script type="module">
  import { connect } from '/steno-client.js';
  const [show, state, gateway] = ['#answer', '#state', '#gateway'].map((name) => document.querySelector(name));
  const asked = new URL(location.href).searchParams;
  const steno = connect({
    url: asked.getAll('gateway'),
    giveUpAfterMs: Number(asked.get('patience') ?? 60_000),
    onConnection: (connection) => (gateway.textContent = connection.state + ' ' + connection.url),
  });
  const kept = JSON.parse(sessionStorage.getItem('kept'));
  show.textContent = kept?.text ?? '';
  const answer = kept === null ? steno.ask({ text: asked.get('text'), model: 'scripted' }) : steno.resume(kept.position);
  document.querySelector('button').onclick = () => answer.stop();
  try {
    for await (const part of answer) {
      if (part.type === 'text') show.textContent += part.text;
      if (part.type === 'reset') show.textContent = '';
      state.dataset.seq = answer.position.after;
      sessionStorage.setItem('kept', JSON.stringify({ text: show.textContent, position: answer.position }));
      if (part.type === 'done') state.textContent = part.outcome;
    }
  } catch (error) {
    state.textContent = error.code;
  }
</script>`;

/** Longer than any test takes: it is stopped. */
const LONG = 'on [[tokens=990 pace=30]]';

suite('the JavaScript client in a page', { skip: noBrowser }, () => {
  let platform: Platform;
  let browser: Browser;
  let site: Server;
  let origin: string;

  before(async () => {
    site = createServer((request, response) => {
      const path = (request.url ?? '').split('?')[0] ?? '';
      if (path === '/') return response.setHeader('content-type', 'text/html').end(PAGE);
      if (!/^\/(session\/)?[a-z-]+\.js$/.test(path)) return response.writeHead(404).end();
      readFile(new URL(`../../client${path}`, import.meta.url)).then(
        (script) => response.setHeader('content-type', 'text/javascript').end(script),
        () => response.writeHead(404).end(),
      );
    });
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    // A server that listens on a port has an address of this kind.
    origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    platform = await startPlatform({ env: { STENO_ALLOWED_ORIGINS: origin } });
    browser = await openBrowser();
  });
  after(async () => {
    await browser.close();
    site.close();
    await platform.stop();
  });

  async function open(gateways: readonly string[], fields: Readonly<Record<string, string>>): Promise<Page> {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('close', () => assert.deepEqual(problems, []));
    const query = new URLSearchParams(fields);
    for (const url of gateways) query.append('gateway', url);
    await page.goto(`${origin}/?${query.toString()}`);
    return page;
  }

  /** Waits until so much of the answer was shown; returns how much it is. */
  async function shown(page: Page, seq: number): Promise<number> {
    const expression = `Number(document.querySelector('#state').dataset.seq) >= ${seq}`;
    await page.waitForFunction(expression);
    return Number(await page.locator('#state').getAttribute('data-seq'));
  }

  /** Stops the answer: what the page shows then is what was recorded. */
  async function stopAndCheck(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('cancelled').waitFor();
    const kept = await page.evaluate<string>("sessionStorage.getItem('kept')");
    // The page put it there.
    const { token } = (JSON.parse(kept) as { position: { token: string } }).position;
    const steno = connect({ url: platform.url() });
    const recorded = await steno.resume({ token }).text();
    steno.close();
    assert.notEqual(recorded, '');
    assert.equal(await page.locator('#answer').textContent(), recorded);
  }

  test('it streams an answer and goes on at another gateway when the first is killed', async () => {
    const doomed = await platform.start('gateway', { STENO_REPLY_PARTITION: '7' });
    const page = await open([doomed.address ?? '', platform.url()], { text: LONG });
    await shown(page, 3);
    await kill9(doomed);
    await page.getByText(`open ${platform.url().replace('http', 'ws')}/v1/chat`).waitFor();
    await shown(page, (await shown(page, 3)) + 3);
    await stopAndCheck(page);
    await page.close();
  });

  test('it goes on after a reload, with what the page kept', async () => {
    const page = await open([platform.url()], { text: LONG });
    const before = await shown(page, 3);
    await page.reload();
    await shown(page, before + 3);
    await stopAndCheck(page);
    await page.close();
  });

  test('a gateway that does not know the site is no endless wait', async () => {
    const closed = await platform.start('gateway', { STENO_ALLOWED_ORIGINS: '', STENO_REPLY_PARTITION: '8' });
    const page = await open([closed.address ?? ''], { text: 'hello', patience: '500' });
    await page.getByText('connection_lost').waitFor();
    await page.close();
  });
});
