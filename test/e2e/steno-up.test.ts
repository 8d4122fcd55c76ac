import { CACHE_DIR } from '../support/cache-dir.ts';
import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { processTree, stillRunning } from '../../bench/support/process-tree.ts';
import { readRunState } from '../../cli/run-state.ts';
import { until } from '../support/until.ts';

/** What a newcomer does: start everything, ask, look, stop with Ctrl-C, start again; with a data directory of its own. */

const PROGRAM = fileURLToPath(new URL('../../bin/steno.js', import.meta.url));
const START_MS = 240_000;
let dataDir: string;
let running: { readonly child: ChildProcess; readonly output: () => string; readonly url: string };

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'steno-up-'));
  running = await start();
});
after(async () => {
  if (running.child.exitCode === null) await stop();
  await rm(dataDir, { recursive: true, force: true });
});

function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { STENO_TEST_BROKERS: _brokers, STENO_TEST_REGISTRY: _registry, ...rest } = process.env;
  return { ...rest, STENO_DATA_DIR: dataDir, STENO_CACHE_DIR: CACHE_DIR, PORT: '0', ...more };
}

async function start(): Promise<typeof running> {
  const child = spawn(process.execPath, [PROGRAM, 'up'], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output += data.toString()));
  let url: string | null = null;
  await until(
    'steno up is ready',
    async () => {
      assert.equal(child.exitCode, null, output);
      const state = await readRunState(dataDir);
      url =
        state?.phase === 'ready'
          ? (state.roles.find(({ name }) => name === 'gateway')?.address ?? null)
          : null;
      return url !== null;
    },
    START_MS,
  );
  return { child, output: () => output, url: url ?? '' };
}

async function stop(): Promise<void> {
  const exited = once(running.child, 'exit');
  running.child.kill('SIGINT');
  await exited;
}

async function steno(
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<{ code: number; text: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [PROGRAM, ...args], {
      env: environment(more),
    });
    return { code: 0, text: stdout + stderr };
  } catch (error) {
    // execFile's error carries these three.
    const failed = error as { code?: number; stdout?: string; stderr?: string };
    return { code: failed.code ?? -1, text: `${failed.stdout ?? ''}${failed.stderr ?? ''}` };
  }
}

test('it prints where everything is, a line to try, and how to swap the model', async () => {
  await until('the addresses are printed', () => running.output().includes('STENO_MODEL='));
  for (const expected of [running.url, dataDir, 'curl -N', 'Ctrl-C'])
    assert.ok(running.output().includes(expected), expected);
});

test('the line to try streams an answer of a real model', async () => {
  const response = await fetch(`${running.url}/v1/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'Say hello.', max_tokens: 16 }),
  });
  const body = await response.text();
  assert.match(body, /event: delta/);
  assert.match(body, /event: done/);
});

test('steno status says healthy, for people and for programs', async () => {
  const { code, text } = await steno(['status', '--json']);
  assert.equal(code, 0, text);
  assert.ok(text.includes(running.url));
});

test('a second one over the same data directory is refused by name', async () => {
  const { code, text } = await steno(['up']);
  assert.equal(code, 1);
  assert.ok(text.includes(dataDir), text);
});

test('a busy port is one line with cause and fix', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const other = await mkdtemp(join(tmpdir(), 'steno-up-'));
  const { code, text } = await steno(['up'], { PORT: String(address.port), STENO_DATA_DIR: other });
  assert.equal(code, 1);
  assert.match(text, new RegExp(`port ${address.port} .*PORT`));
  server.close();
  await rm(other, { recursive: true, force: true });
});

test('Ctrl-C stops everything and leaves no process; the next start has the conversation', async () => {
  const processes = processTree(running.child.pid ?? 0);
  await stop();
  assert.equal(running.child.exitCode, 0);
  await until('every process is gone', () => stillRunning(processes).length === 0);
  assert.equal((await steno(['status'])).code, 3);
  running = await start();
  const response = await fetch(`${running.url}/v1/conversations`);
  // The shape of our own list.
  const { items } = (await response.json()) as { items: readonly { title: string }[] };
  assert.deepEqual(
    items.map(({ title }) => title),
    ['Say hello.'],
  );
});
