import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directoryOf, type Model } from '../../../gateway/models.ts';
import { createServedModels } from '../../../gateway/served-models.ts';
import { StenoError } from '../../../runtime/errors.ts';
import type { Cluster } from '../../../streams/cluster.ts';

const model = (id: string, ...aliases: string[]): Model => ({
  ...{
    id,
    aliases,
    fallbacks: [],
    cacheSeconds: 0,
    pool: `pool-${id}`,
    contextLength: 2_048,
    maxOutputTokens: 512,
  },
  price: { inputPerMillion: 0, outputPerMillion: 0, currency: 'USD' },
});
const [small, other] = [model('small', 'default'), model('other', 'gpt-4o')];
const models = directoryOf([small, other], small, ['gpt-4o', 'gpt-4o-mini', 'other']);

test('a name of its own wins over one that the default model answers to for demos', () => {
  assert.equal(models.resolve(null), small);
  assert.equal(models.resolve('default'), small);
  assert.equal(models.resolve('gpt-4o-mini'), small);
  assert.equal(models.resolve('gpt-4o'), other);
  assert.equal(models.resolve('other'), other);
  assert.equal(models.resolve('gpt-99'), null);
  assert.deepEqual(models.list(), [small, other]);
});

/** Stands for the broker's answers; the real one is in test/integration/openai-node.test.ts. */
function cluster(groups: Cluster['groups']): {
  readonly asked: () => number;
  readonly open: () => Promise<Cluster>;
} {
  let asked = 0;
  return {
    asked: () => asked,
    open: () =>
      Promise.resolve({
        groups(prefix) {
          asked += 1;
          return groups(prefix);
        },
        lag: () => Promise.resolve([]),
        close: () => Promise.resolve(),
      }),
  };
}

test('a model is served while the group of its pool has members; those who ask together are answered together', async () => {
  let members = 0;
  const broker = cluster((prefix) => {
    assert.equal(prefix, 'steno-workers-');
    return Promise.resolve([{ group: 'steno-workers-pool-other', state: 'stable' as const, members }]);
  });
  const served = createServedModels({ prefix: 'steno', models, openCluster: broker.open });
  assert.deepEqual(await Promise.all([served.firstOf([other]), served.firstOf([other])]), [null, null]);
  assert.equal(broker.asked(), 1);
  assert.deepEqual(await served.list(), [small], 'the default model is always listed');
  members = 1;
  assert.equal(await served.firstOf([other]), other, 'that none served is not remembered');
  const before = broker.asked();
  assert.equal(await served.firstOf([other]), other);
  assert.equal(broker.asked(), before, 'that one served is');
  assert.deepEqual(await served.list(), [small, other]);
  await served.stop();
});

test('what the broker does not say is not refused', async () => {
  const broker = cluster(() => Promise.reject(new StenoError('broker_unreachable', 'no broker')));
  const served = createServedModels({ prefix: 'steno', models, openCluster: broker.open });
  assert.equal(await served.firstOf([other]), other);
  assert.deepEqual(await served.list(), [small, other]);
  await served.stop();
});
