import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { apiOf, type Api } from '../support/api.ts';
import { noBrowser, openBrowser } from '../support/browser.ts';
import {
  completed,
  inFront,
  answersOf,
  findingsOf,
  forgetShifts,
  openChat,
  picture,
  send,
  shiftsOf,
  shownIn,
} from '../support/chat-page.ts';
import { writeModels, type ModelsFile } from '../support/models-file.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** The chat page as somebody uses it: real roles, a real browser. */

const MARKDOWN = `## Rivers

Three **rivers** of *Europe*, as a [list](https://example.com/rivers):

1. Danube
2. Rhine
3. Volga

| river | length |
| --- | --- |
| Danube | 2,850 km |

\`\`\`python
print('Danube')
\`\`\`
`;

suite('the chat page', { skip: noBrowser }, () => {
  let platform: Platform;
  let browser: Browser;
  let models: ModelsFile;
  let context: BrowserContext;
  let api: Api;
  let page: Page;

  before(async () => {
    models = await writeModels([
      { id: 'quick', engine: 'scripted' },
      { id: 'careful', engine: 'scripted' },
    ]);
    const env = { STENO_MODELS_FILE: models.path, STENO_MODEL: 'quick' };
    platform = await startPlatform({ env });
    await platform.start('inference-worker', { STENO_MODEL: 'careful' });
    browser = await openBrowser();
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    api = apiOf(platform.url(), null);
    page = await openChat(context, `${platform.url()}/chat`);
  });
  after(async () => {
    await browser.close();
    await platform.stop();
    await models.remove();
  });

  type Recorded = Readonly<Record<string, unknown>>;
  async function recorded(): Promise<{ conversation: Recorded; turns: readonly Recorded[] }> {
    const id = new URL(page.url()).hash.slice(1);
    const answer = await api.get(`/v1/conversations/${id}`);
    assert.equal(answer.status, 200, answer.text);
    const { items } = answer.field('turns') as { items: readonly Recorded[] };
    return { conversation: answer.field('conversation') as Recorded, turns: items };
  }
  const complete = (): Promise<void> => completed(page);
  const newChat = (): Promise<void> => page.getByRole('button', { name: 'New chat' }).click();

  test('it streams an answer as markdown, says how long it took, and nothing on the page moves', async () => {
    await page.getByText('What would you like to know?').waitFor();
    await picture(page, '1-empty');
    assert.equal(await shiftsOf(page), 0);
    await send(page, `${MARKDOWN} [[echo=1 pace=5]]`);
    // The field where somebody wrote many lines has one again.
    await page.getByText('Writing …').waitFor({ state: 'attached' });
    await forgetShifts(page);
    await complete();
    await page.getByRole('heading', { name: 'Rivers', level: 3 }).waitFor();
    assert.equal(await page.locator('.markdown ol > li').count(), 3);
    assert.equal(await page.locator('.markdown td').first().innerText(), 'Danube');
    assert.match(await page.locator('.code').innerText(), /python[\s\S]*print\('Danube'\)/);
    const link = page.getByRole('link', { name: 'list' });
    assert.match((await link.getAttribute('rel')) ?? '', /noopener noreferrer/);
    assert.match(
      await page.locator('.facts').innerText(),
      /first token \d+ m?s · .* in all · \d+ \+ \d+ tokens/,
    );
    assert.equal(await shiftsOf(page), 0);
    await page
      .locator('.conversations')
      .getByRole('button', { name: /Rivers/ })
      .waitFor();
    await picture(page, '2-answer');
  });

  test('an answer that is read above stays where it is while more is written below', async () => {
    await newChat();
    await page.setViewportSize({ width: 800, height: 360 });
    await send(page, 'Tell me much. [[tokens=1000 pace=20]]');
    const thread = 'document.querySelector("#thread")';
    await until(
      'there is more than fits',
      async () => Boolean(await page.evaluate(`${thread}.scrollHeight > ${thread}.clientHeight + 200`)),
      60_000,
    );
    await page.evaluate(`${thread}.scrollTop = 0`);
    const place = async (): Promise<unknown> =>
      page.evaluate('document.querySelector(".markdown").getBoundingClientRect().top');
    await forgetShifts(page);
    const before = await place();
    const length = (await answersOf(page)).join('').length;
    await until('more was written', async () => (await answersOf(page)).join('').length > length + 50);
    assert.equal(await place(), before);
    assert.equal(await page.evaluate(`${thread}.scrollTop`), 0);
    assert.equal(await shiftsOf(page), 0);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.').waitFor();
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  test('stop keeps what was said; another answer and another wording are versions beside it', async () => {
    await newChat();
    await send(page, 'first [[tokens=500 pace=20]]');
    await page.locator('.markdown', { hasText: /\w+ \w+/ }).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.').waitFor();
    await page.getByRole('button', { name: 'Again: write another answer' }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('2 / 2').waitFor();
    await page.getByRole('button', { name: 'Edit this message' }).click();
    const field = page.locator('.editing textarea');
    await field.fill('second [[tokens=3]]');
    await page.locator('.editing').getByRole('button', { name: 'Send' }).click();
    await page.getByText('3 / 3').waitFor();
    await complete();
    await page.getByRole('button', { name: 'Earlier version' }).click();
    await page.getByText('2 / 3').waitFor();
    assert.match(await page.locator('.question-text').innerText(), /^first/);
    const { turns } = await recorded();
    assert.deepEqual(
      turns.map(({ kind, status }) => `${String(kind)} ${String(status)}`),
      ['edit completed', 'regenerate cancelled', 'message cancelled'],
    );
    assert.deepEqual(new Set(turns.map(({ parent_id }) => parent_id)), new Set([null]));
    await picture(page, '3-versions');
  });

  test('a message goes on from the version that is looked at', async () => {
    await page.getByRole('button', { name: 'Earlier version' }).click();
    await page.getByText('1 / 3').waitFor();
    await send(page, 'and then? [[tokens=2]]');
    await complete();
    await until('it follows that version', async () => {
      const { turns } = await recorded();
      return turns[0]?.['parent_id'] === turns.at(-1)?.['message_id'];
    });
  });

  test('loaded anew in the middle it goes on, and a second tab shows the same', async () => {
    await newChat();
    await send(page, 'long [[tokens=250 pace=20]]');
    await page.locator('.markdown', { hasText: /\w+ \w+/ }).waitFor();
    const second = await openChat(context, page.url());
    await second.locator('.markdown', { hasText: /\w+ \w+/ }).waitFor();
    await page.reload();
    await page.locator('.markdown', { hasText: /\w+ \w+/ }).waitFor();
    await complete();
    await second.getByText('The answer is complete.').waitFor({ state: 'attached' });
    const { turns } = await recorded();
    const text = String(turns[0]?.['response']).replaceAll(/\s+/g, ' ').trim();
    for (const one of [page, second]) assert.equal(await shownIn(one), text);
    // Neither of them saw it begin since it was opened.
    assert.doesNotMatch(await page.locator('.facts').innerText(), /first token/);
    // What the first tab asks now, the second one shows.
    await send(page, 'more [[tokens=40 pace=20]]');
    await until('both are shown', async () => (await answersOf(second)).length === 2);
    await complete();
    await until('both show the same', async () => (await shownIn(second)) === (await shownIn(page)));
    await second.close();
    await inFront(page, 'more [[');
  });

  test('thumbs, a comment and a pin are on the record', async () => {
    await page.getByRole('button', { name: 'Bad answer' }).last().click();
    await page.getByLabel('What was good or bad about it?').last().fill('too long');
    await page.getByRole('button', { name: 'Send comment' }).click();
    await page.getByRole('button', { name: 'Pin: keep this in later prompts' }).last().click();
    await until('they are recorded', async () => {
      const [turn] = (await recorded()).turns;
      const given = (turn?.['feedback'] as readonly Recorded[] | undefined)?.at(-1);
      return given?.['thumb'] === -1 && given['comment'] === 'too long' && turn?.['pinned'] === true;
    });
    await page.reload();
    await page.locator('.turn').last().waitFor();
    assert.equal(
      await page.getByRole('button', { name: 'Bad answer' }).last().getAttribute('aria-pressed'),
      'true',
    );
  });

  test('a conversation is renamed, found by what was said in it, and put away', async () => {
    await page.getByRole('button', { name: 'Rename this conversation' }).click();
    const name = page.getByLabel('Name of this conversation');
    await name.fill('Zugvögel');
    await name.press('Enter');
    const list = page.locator('.conversations');
    await list.getByRole('button', { name: /Zugvögel/ }).waitFor();
    const search = page.getByLabel('Search conversations');
    await search.fill('ZUGVÖGEL');
    await until('one is found', async () => (await list.getByRole('button').count()) === 1);
    await search.fill('danube');
    await list.getByRole('button', { name: /Rivers/ }).waitFor();
    await until('one is found', async () => (await list.getByRole('button').count()) === 1);
    await search.fill('nothing of the kind');
    await page.getByText('Nothing found.').waitFor();
    await search.fill('');
    await page.getByRole('button', { name: 'Archive this conversation' }).click();
    await page.getByText('What would you like to know?').waitFor();
    await until(
      'it is gone',
      async () => (await list.getByRole('button', { name: /Zugvögel/ }).count()) === 0,
    );
  });

  test('two models answer side by side, and one of them goes on', async () => {
    await newChat();
    await page.getByLabel('Second model, side by side').selectOption('careful');
    await send(page, 'compare [[tokens=30 pace=5]]');
    await page.locator('.row .turn').nth(1).waitFor();
    await until(
      'both are complete',
      async () => (await page.locator('.row .facts:not(:empty)').count()) === 2,
    );
    assert.deepEqual(await page.locator('.row .who').allInnerTexts(), ['quick', 'careful']);
    await picture(page, '4-side-by-side');
    await page.getByLabel('Second model, side by side').selectOption('');
    await page.getByRole('button', { name: 'Continue with this one' }).nth(1).click();
    await send(page, 'and then? [[tokens=2]]');
    await complete();
    const { turns } = await recorded();
    const careful = turns.find(({ model, kind }) => model === 'careful' && kind === 'regenerate');
    assert.equal(turns[0]?.['parent_id'], careful?.['message_id']);
    await page.reload();
    await until('it is shown as it was', async () => (await page.locator('.row .turn').count()) === 2);
  });

  test('a message that fails says so, and can be asked again', async () => {
    await newChat();
    await send(page, 'broken [[fail=always:2]]');
    await page.locator('.problem', { hasText: /\w/ }).waitFor();
    await page.getByRole('button', { name: 'Again: write another answer' }).waitFor();
  });

  test('an answer that ended at its limit says so, and still does after a reload', async () => {
    await newChat();
    // The scripted model gives no more than its catalogue allows.
    await send(page, 'endless [[tokens=100000]]');
    await page.getByText('Cut at the limit of 1000 tokens.').waitFor();
    await page.reload();
    await page.getByText('Cut at the limit of 1000 tokens.').waitFor();
  });

  test('the keyboard alone is enough', async () => {
    await newChat();
    await page.keyboard.type('typed [[tokens=900 pace=20]]');
    await page.keyboard.press('Enter');
    await page.locator('.markdown', { hasText: /\w+ \w+/ }).waitFor();
    await page.getByLabel('Your message', { exact: true }).press('Escape');
    await page.getByText('Stopped.').waitFor();
  });

  for (const scheme of ['light', 'dark'] as const)
    for (const width of [360, 1600])
      test(`axe-core finds nothing in ${scheme} at ${width} pixels, and nothing is too wide`, async () => {
        const small = await browser.newContext({ viewport: { width, height: 760 }, colorScheme: scheme });
        const one = await openChat(small, `${platform.url()}/chat`);
        if (width < 720) await one.getByRole('button', { name: 'Chats' }).click();
        const item = one.locator('.conversations').getByRole('button', { name: /Rivers/ });
        await item.waitFor();
        if (width < 720) assert.deepEqual(await findingsOf(one), []);
        if (width < 720) await picture(one, `5-list-${scheme}`);
        await item.click();
        await one.locator('.code').waitFor();
        assert.deepEqual(await findingsOf(one), []);
        assert.equal(await one.evaluate('document.documentElement.scrollWidth > innerWidth'), false);
        await picture(one, `6-${scheme}-${width}`);
        await one.close();
        await small.close();
      });
});
