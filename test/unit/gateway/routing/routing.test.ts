import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directoryOf, type Model } from '../../../../gateway/models.ts';
import { createRouting } from '../../../../gateway/routing/routing.ts';
import { ORDINARY } from '../../../../policies/identity/grants.ts';
import type { RouteRule } from '../../../../policies/routing/routes.ts';

const model = (id: string, fallbacks: readonly string[] = [], ...aliases: string[]): Model => ({
  ...{
    id,
    aliases,
    fallbacks,
    cacheSeconds: 0,
    pool: `pool-${id}`,
    contextLength: 2_048,
    maxOutputTokens: 512,
  },
  price: { inputPerMillion: 0, outputPerMillion: 0, currency: 'USD' },
});
const old = model('old', ['small', 'steno-degraded'], 'default');
const models = [old, model('new'), model('small')];
const canary = { model: 'new', percent: 30, maxErrorRate: 0.1, maxFirstTokenMs: null, minTurns: 20 };
const rule: RouteRule = { model: 'old', instructions: 'Be brief.', canary };

function routing(routes: Readonly<Record<string, RouteRule>> | null): ReturnType<typeof createRouting> {
  const made = createRouting(directoryOf(models, old, []), 'm1');
  if (routes !== null) made.change(routes, 'r1');
  return made;
}

function chainOf(found: ReturnType<ReturnType<typeof createRouting>['routeOf']>): readonly string[] | null {
  return found === null ? null : [...found.chain.map(({ id }) => id), ...found.lastResort];
}

test('without routes messages go where the catalogue says', () => {
  const plain = routing(null);
  assert.deepEqual(chainOf(plain.routeOf('default', ORDINARY, 'c')), ['old', 'small', 'steno-degraded']);
  assert.deepEqual(plain.routeOf(null, ORDINARY, 'c')?.canaryBucket, -1);
  assert.equal(plain.routeOf('chat', ORDINARY, 'c'), null);
  assert.equal(plain.version(), 'm1');
});

test('a canary answers its share of the conversations, always the same ones, with the old model behind it', () => {
  const made = routing({ chat: rule });
  assert.equal(made.version(), 'm1+r1');
  const chains = Array.from({ length: 1_000 }, (_, index) => {
    const found = made.routeOf('chat', ORDINARY, `conv_${index}`);
    assert.deepEqual(found, made.routeOf('chat', ORDINARY, `conv_${index}`));
    assert.equal(found?.template?.instructions, 'Be brief.');
    const chain = chainOf(found) ?? [];
    assert.equal(chain[0] === 'new', (found?.canaryBucket ?? 100) < 30);
    return chain.join();
  });
  assert.deepEqual(new Set(chains), new Set(['new,old,small,steno-degraded', 'old,small,steno-degraded']));
  const share = chains.filter((chain) => chain.startsWith('new')).length / chains.length;
  assert.ok(Math.abs(share - 0.3) < 0.06, String(share));
});

test('nobody is sent to a model that the key may not use, neither by a route nor by a canary', () => {
  const made = routing({ chat: { ...rule, canary: { ...canary, percent: 100 } } });
  const only = (...ids: string[]): typeof ORDINARY => ({ ...ORDINARY, models: ids });
  assert.equal(made.routeOf('chat', only('new'), 'c'), null);
  assert.deepEqual(chainOf(made.routeOf('chat', only('old'), 'c')), ['old', 'steno-degraded']);
});

test('a route may take the name of a model, and the default’s; one whose model is gone is left out', () => {
  const made = routing({
    default: { ...rule, model: 'small', canary: null },
    new: { ...rule, canary: null },
    lost: { ...rule, model: 'gone' },
  });
  assert.equal(made.resolve(null)?.id, 'small');
  assert.equal(made.routeOf(null, ORDINARY, 'c')?.template?.route, 'default');
  assert.equal(made.resolve('new')?.id, 'old');
  assert.equal(made.resolve('lost'), null);
  assert.deepEqual(
    made.routes().map(([name]) => name),
    ['default', 'new'],
  );
});
