import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSecret } from '../../../runtime/environment.ts';

test('a secret comes from its variable, or from the file that stands in for it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'steno-secret-'));
  const file = join(folder, 'key');
  await writeFile(file, 'from the file\n');
  assert.equal(readSecret({ MY_KEY: 'from the variable' }, 'MY_KEY'), 'from the variable');
  assert.equal(readSecret({ MY_KEY: 'from the variable', MY_KEY_FILE: file }, 'MY_KEY'), 'from the file');
  assert.equal(readSecret({}, 'MY_KEY'), null);
  assert.equal(readSecret({ MY_KEY: '' }, 'MY_KEY'), null);
  await rm(folder, { recursive: true });
  assert.throws(() => readSecret({ MY_KEY_FILE: file }, 'MY_KEY'), {
    code: 'bad_config',
    fix: /MY_KEY_FILE/,
  });
});
