import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, type Part } from '../../client/steno-client.js';
import { apiOf } from '../support/api.ts';
import { startPlatform, type Platform } from '../support/platform.ts';

/** The JavaScript client in a page: its key is a client token, which ends while an answer streams. */

let platform: Platform;
before(async () => {
  platform = await startPlatform();
});
after(() => platform.stop());

test('a token that ends is followed by another, in the middle of an answer', async () => {
  let made = 0;
  const client = connect({
    url: platform.url(),
    async key() {
      made += 1;
      const body = { user: 'alice', ttl_seconds: 5 };
      return String(
        (await apiOf(platform.url(), null).send('POST', '/v1/client-tokens', body)).field('token'),
      );
    },
  });
  const parts: Part[] = [];
  for await (const part of client.ask('long [[tokens=150 pace=80]]')) parts.push(part);
  client.close();
  const last = parts.at(-1);
  assert.ok(last?.type === 'done' && last.outcome === 'completed');
  assert.ok(parts.every(({ type }) => type !== 'reset'));
  const seqs = parts.flatMap((part) => (part.type === 'text' ? [part.seq] : []));
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => index),
  );
  assert.ok(made > 1, 'one token was not enough');
});

test('a key that cannot be had is waited for; one that is refused ends what was asked', async () => {
  let asked = 0;
  const patient = connect({
    url: platform.url(),
    key() {
      asked += 1;
      if (asked === 1) throw new Error('the server that makes tokens is away');
      return 'any, on loopback';
    },
  });
  const parts: Part[] = [];
  for await (const part of patient.ask('short [[tokens=2]]')) parts.push(part);
  assert.equal(parts.at(-1)?.type, 'done');
  patient.close();
  const refused = connect({ url: platform.url(), key: () => 'ct-steno-forged' });
  await assert.rejects(
    async () => {
      for await (const part of refused.ask('short')) assert.fail(part.type);
    },
    { code: 'invalid_api_key' },
  );
  refused.close();
});
