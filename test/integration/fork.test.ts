import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeKey } from '../support/make-key.ts';
import { apiOf, type Api } from '../support/api.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { startSteno } from '../support/steno-command.ts';

/** `steno fork`: another conversation goes on from a moment of one, which stays as it is. */

let platform: Platform;
let ann: Api;
const keys = { ann: '', other: '' };

before(async () => {
  platform = await startPlatform({ env: { STENO_AUTH: 'required' } });
  keys.ann = await makeKey(platform, 'acme', 'ann');
  keys.other = await makeKey(platform, 'other', 'bob');
  ann = apiOf(platform.url(), keys.ann);
});
after(() => platform.stop());

async function say(message: string, conversation_id?: string): Promise<string> {
  const answer = await ann.send('POST', '/conversation', {
    message,
    ...(conversation_id === undefined ? {} : { conversation_id }),
  });
  assert.equal(answer.status, 200, answer.text);
  return String(answer.field('conversation_id'));
}

async function steno(words: readonly string[], key = keys.ann) {
  const env = { ...process.env, ...platform.env, STENO_API_KEY: key };
  return startSteno(words, env).ended;
}

const fork = (conversation: string, text: string, ...flags: readonly string[]) =>
  steno(['fork', conversation, text, '--url', platform.url(), ...flags]);

test('a fork holds what was said until then and nothing later, says where it comes from, and goes on by itself', async () => {
  const conversation = await say('the early words [[tokens=3]]');
  await new Promise((resolve) => setTimeout(resolve, 20));
  const at = new Date().toISOString();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await say('the later words [[tokens=3]]', conversation);
  const before = await ann.get(`/v1/conversations/${conversation}`);

  const { code, stdout, stderr } = await fork(conversation, 'another way [[tokens=4]]', '--as-of', at);
  assert.equal(code, 0, stderr);
  assert.ok(stdout.trim().split(/\s+/).length >= 3, stdout);
  const forked = /conversation: (conv_\S+)/.exec(stderr)?.[1] ?? '';
  assert.notEqual(forked, conversation);
  await say('and on [[tokens=3]]', forked);
  const context = await steno(['context', forked, '--content', '--json']);
  assert.equal(context.code, 0, context.stderr);
  for (const words of ['the early words', 'another way', 'and on'])
    assert.ok(context.stdout.includes(words), words);
  assert.doesNotMatch(context.stdout, /the later words/);

  const history = await ann.get(`/v1/conversations/${forked}`);
  assert.equal(history.status, 200, history.text);
  assert.ok(history.text.includes(`"forked_from":"${conversation}","forked_as_of":"${at}"`), history.text);
  assert.equal(
    (await ann.get(`/v1/conversations/${conversation}`)).text,
    before.text,
    'the source stays as it is',
  );
});

test("another tenant's conversation cannot be forked, nor one at a time when it was not there", async () => {
  const conversation = await say('mine [[tokens=2]]');
  const foreign = await steno(['fork', conversation, 'give me', '--url', platform.url()], keys.other);
  assert.equal(foreign.code, 1);
  assert.doesNotMatch(foreign.stdout, /mine/);
  assert.match(foreign.stderr, /no such conversation|not found|no conversation/i);
  const early = await fork(conversation, 'what', '--as-of', '2020-01-01');
  assert.deepEqual(
    [early.code, /no conversation .* at that time/.test(early.stderr)],
    [1, true],
    early.stderr,
  );
});
