import assert from 'node:assert/strict';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { until } from './until.ts';

/** Shifts of the layout that nobody's input explains, as the browser counts them; 0 while nothing moved. */
const COUNT_SHIFTS = `window.shifted = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: 'layout-shift', buffered: true });`;

/** Opens the chat page; an error or a broken policy in it fails when it is closed. Playwright runs its scripts past the policy. */
export async function openChat(from: Browser | BrowserContext, url: string): Promise<Page> {
  const page = await from.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (/Content Security Policy|TrustedHTML/.test(message.text())) problems.push(message.text());
  });
  page.on('close', () => assert.deepEqual(problems, []));
  await page.addInitScript(COUNT_SHIFTS);
  await page.goto(url);
  return page;
}

export async function send(page: Page, text: string): Promise<void> {
  const field = page.getByLabel('Your message', { exact: true });
  await field.fill(text);
  await field.press('Enter');
}

/** Counts from here. */
export async function forgetShifts(page: Page): Promise<void> {
  await page.evaluate('window.shifted = 0');
}

/** What is shown of each answer on the branch, oldest first. */
export function answersOf(page: Page): Promise<readonly string[]> {
  return page.locator('.turn .markdown').allInnerTexts();
}

/** How far the layout moved by itself since the page was opened, or they were forgotten. */
export async function shiftsOf(page: Page): Promise<number> {
  return Number(await page.evaluate('window.shifted'));
}

/** What axe-core finds wrong by WCAG 2.2 AA and its best practices, one line for each kind. */
export async function findingsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  return page.evaluate<readonly string[]>(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html, any }) => html + ' ' + any.map((one) => one.message)).join(' | ')))`,
  );
}

/** Keeps a picture of the page where STENO_SCREENSHOTS names a folder. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['STENO_SCREENSHOTS'];
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) });
}

/** Resolves when the last answer is complete, and no other is being written. */
export async function completed(page: Page): Promise<void> {
  await page.getByText('The answer is complete.').waitFor({ state: 'attached' });
  // The sentence stays until the next answer is there.
  await until('nothing is written', async () => (await page.locator('[aria-busy="true"]').count()) === 0);
}

/** Brings a tab that lay behind another one to the front: it has painted late, and now shows this answer as complete. */
export async function inFront(page: Page, question: string): Promise<void> {
  await page.bringToFront();
  await page.locator('.turn[aria-busy="false"]', { hasText: question }).waitFor();
}

/** The answers that are shown, as one text without line breaks. */
export async function shownIn(page: Page): Promise<string> {
  return (await answersOf(page)).join(' ').replaceAll(/\s+/g, ' ').trim();
}
