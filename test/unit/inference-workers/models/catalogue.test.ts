import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  catalogueOf,
  findModel,
  loadCatalogue,
  parseCatalogue,
} from '../../../../inference-workers/models/catalogue.ts';
import type { ModelEntry } from '../../../../inference-workers/models/model-entry.ts';
import { namedModel } from '../../../../inference-workers/models/named-model.ts';

test('the catalogue that ships is valid and has a default', async () => {
  const catalogue = await loadCatalogue();
  assert.equal(findModel(catalogue, 'default')?.id, 'smollm2-135m-instruct');
  assert.equal(findModel(catalogue, 'scripted')?.engine, 'scripted');
  assert.equal(findModel(catalogue, 'no-such-model'), null);
  assert.match(catalogue.contentHash, /^[0-9a-f]{64}$/);
});

test('all problems are told at once, with name, value and what was expected', async () => {
  const { models } = await loadCatalogue();
  const [model] = models;
  const broken = { models: [{ ...model, contextLength: 'large', sha256: 'abc', colour: 'red' }] };
  assert.throws(
    () => parseCatalogue(broken, 'my.json'),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'bad_catalogue');
      for (const word of [
        'my.json',
        'models[0].contextLength',
        '"large"',
        'models[0].sha256',
        '"abc"',
        '64 hex',
        'colour',
      ]) {
        assert.ok(error.message.includes(word), `${word} in ${error.message}`);
      }
      return true;
    },
  );
});

test('names that are not unique and entries that contradict themselves are refused', async () => {
  const { models } = await loadCatalogue();
  const [model] = models;
  const twice = { models: [model, { ...model, maxOutputTokens: 999_999, sources: [] }] };
  assert.throws(
    () => parseCatalogue(twice, 'my.json'),
    /"default" twice[\s\S]*maxOutputTokens[\s\S]*no sources/,
  );
});

test('a fallback is another model of another pool', async () => {
  const { models } = await loadCatalogue();
  const [model, other] = models;
  const chain = (...fallbacks: string[]) => ({ models: [{ ...model, fallbacks }, other] });
  assert.deepEqual(parseCatalogue(chain('scripted'), 'my.json').models[0]?.fallbacks, ['scripted']);
  assert.equal(parseCatalogue(chain('scripted', 'steno-degraded'), 'my.json').models.length, 2);
  assert.throws(
    () => parseCatalogue(chain('steno-degraded', 'scripted'), 'my.json'),
    /steno-degraded at the end/,
  );
  for (const name of ['nobody', model?.id ?? ''])
    assert.throws(() => parseCatalogue(chain(name), 'my.json'), /fallbacks: got ".*another pool/);
});

test('equal entries have equal hashes, in whatever order their fields stand', async () => {
  const { models, contentHash } = await loadCatalogue();
  const reversed = models.map((model) => Object.fromEntries(Object.entries(model).reverse()) as typeof model);
  assert.equal(catalogueOf(reversed).contentHash, contentHash);
  assert.notEqual(catalogueOf(models.slice(1)).contentHash, contentHash);
});

test('a user names a file by its path or by its place on the hub', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'steno-models-'));
  const path = join(folder, 'My Model.Q8_0.gguf');
  await writeFile(path, 'GGUF');
  const file = await namedModel(path);
  assert.deepEqual([file.id, file.sizeBytes, file.sources], ['my-model.q8_0', 4, [{ kind: 'path', path }]]);
  const hub = await namedModel('hf:Owner/Name-GGUF/Name.Q4_K_M.gguf@v2');
  assert.deepEqual(hub.sources, [
    { kind: 'cache' },
    { kind: 'hub', repo: 'Owner/Name-GGUF', file: 'Name.Q4_K_M.gguf', revision: 'v2' },
  ]);
  await assert.rejects(namedModel(join(folder, 'missing.gguf')), { code: 'bad_model_name' });
  await rm(folder, { recursive: true });
});

test('a user names a model of an OpenAI-compatible API; its key is only named', async () => {
  const openai = await namedModel('openai:gpt-4.1-mini');
  assert.deepEqual([openai.id, openai.pool, openai.fileName], ['gpt-4.1-mini', 'openai', null]);
  assert.deepEqual(openai.backend, {
    baseUrl: 'https://api.openai.com/v1',
    model: 'gpt-4.1-mini',
    apiKeyEnv: 'OPENAI_API_KEY',
    slots: 32,
    continues: false,
    maxTokensField: 'max_completion_tokens',
    breaker: { failures: 5, openMs: 5_000 },
    omit: [],
  });
  const own = await namedModel('openai:Qwen/Qwen3-8B', 'http://127.0.0.1:8000/v1');
  assert.deepEqual([own.id, own.backend?.model], ['qwen-qwen3-8b', 'Qwen/Qwen3-8B']);
  assert.equal(own.backend?.maxTokensField, 'max_tokens');
  // What is named passes the rules of a file.
  assert.equal(parseCatalogue({ models: [openai, own].map(withoutDefault) }, 'test').models.length, 2);
  await assert.rejects(namedModel('openai:'), { code: 'bad_model_name' });
});

function withoutDefault(model: ModelEntry): ModelEntry {
  return { ...model, aliases: [] };
}

test('an entry has a backend exactly if its engine is openai-compatible, and no password in its address', async () => {
  const named = await namedModel('openai:some-model');
  const { backend: _backend, ...bare } = named;
  assert.throws(() => parseCatalogue({ models: [bare] }, 'a.json'), /got no backend, expected one/);
  const scripted = { ...named, engine: 'scripted' };
  assert.throws(() => parseCatalogue({ models: [scripted] }, 'a.json'), /got a backend, expected none/);
  for (const baseUrl of ['http://user:secret@host/v1', 'ftp://host', 'host']) {
    const wrong = { ...named, backend: { baseUrl, model: 'm' } };
    assert.throws(() => parseCatalogue({ models: [wrong] }, 'a.json'), /backend\.baseUrl.*without user/);
  }
});
