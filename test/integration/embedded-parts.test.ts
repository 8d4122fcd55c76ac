import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { isBrokerReady } from '../../infra/kafka/broker-ready.ts';
import { isRunning, markOf } from '../../runtime/process-mark.ts';
import { readClusterId } from '../../infra/kafka/start-broker.ts';
import { startEmbedded, type Embedded, type EmbeddedOptions } from '../../infra/kafka/start-embedded.ts';
import { createLogger } from '../../runtime/logger.ts';

const cacheDir = fileURLToPath(new URL('../../.steno/cache', import.meta.url));
const step = { update: () => undefined, finish: () => undefined, fail: () => undefined };
const schema = (name: string): string =>
  JSON.stringify({ schema: JSON.stringify({ type: 'record', name, fields: [] }) });

/** The options of every start here; `dataDir` differs. */
function options(dataDir: string, more: Partial<EmbeddedOptions> = {}): EmbeddedOptions {
  return {
    dataDir,
    cacheDir,
    progress: { step: () => step, line: () => undefined },
    logger: createLogger({ role: 'test', level: 'error' }),
    env: process.env,
    needKafka: true,
    needRegistry: true,
    ...more,
  };
}

describe('the embedded broker and registry', () => {
  let dataDir: string;
  let running: Embedded | undefined;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'steno embedded '));
  });
  after(async () => {
    await running?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('answer once they are started', async () => {
    running = await startEmbedded(options(dataDir));
    assert.equal(await answers(running), true);
  });

  it('keep addresses, cluster id and schema ids over a restart', async () => {
    const first = started(running);
    const before = {
      ids: [await register(first, 'A'), await register(first, 'B')],
      cluster: await readClusterId(dataDir),
    };
    assert.notEqual(before.ids[0], before.ids[1]);
    await first.stop();
    running = await startEmbedded(options(dataDir));
    assert.equal(running.broker?.address, first.broker?.address);
    assert.equal(running.registry?.address, first.registry?.address);
    // Asked in the other order: ids that were merely counted again would differ.
    const ids = [await register(running, 'B'), await register(running, 'A')];
    assert.deepEqual({ ids: ids.toReversed(), cluster: await readClusterId(dataDir) }, before);
  });

  it('keep a schema id that was answered just before a crash', async () => {
    const first = started(running);
    const id = await register(first, 'C');
    first.registry?.kill();
    first.broker?.kill();
    await Promise.all([first.registry?.exited, first.broker?.exited]);
    await first.stop();
    running = await startEmbedded(options(dataDir));
    assert.notEqual(await register(running, 'D'), id);
    assert.equal(await register(running, 'C'), id);
  });

  it('refuse a schema beyond the size limit', async () => {
    const response = await post(started(running), 'Huge', schema('x'.repeat(300_000)));
    assert.equal(response.ok, false);
  });

  it('refuse a data directory that is in use', async () => {
    await assert.rejects(startEmbedded(options(dataDir)), (error: Error & { code: string }) => {
      assert.equal(error.code, 'data_dir_in_use');
      assert.match(error.message, new RegExp(`${dataDir}.*${process.pid}`));
      return true;
    });
  });

  it('lead process groups of their own, which no Ctrl-C of a terminal reaches', () => {
    const { broker, registry } = started(running);
    for (const service of [broker, registry]) assert.equal(process.kill(-(service?.pid ?? NaN), 0), true);
  });

  it('leave no process, pid file or lock when stopped', async () => {
    const embedded = started(running);
    const marks = [embedded.broker, embedded.registry].map((service) => markOf(service?.pid ?? 0));
    await embedded.stop();
    assert.deepEqual(marks.map(isRunning), [false, false]);
    assert.deepEqual(await readdir(join(dataDir, 'run')), []);
    assert.equal((await readdir(dataDir)).includes('embedded.lock'), false);
  });

  it('name the port that is taken, and leave nothing running', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const start = startEmbedded(options(dataDir, { kafkaPort: port }));
    await assert.rejects(start, {
      code: 'port_in_use',
      message: `Port ${port} on 127.0.0.1 is already in use.`,
    });
    assert.deepEqual(await readdir(join(dataDir, 'run')), []);
    server.close();
  });

  it('end with the reason of a signal that comes while they start', async () => {
    const reason = new Error('the user changed their mind');
    const abort = new AbortController();
    setTimeout(() => abort.abort(reason), 500);
    await assert.rejects(startEmbedded(options(dataDir, { signal: abort.signal })), reason);
    assert.deepEqual(await readdir(join(dataDir, 'run')), []);
  });

  it('are stopped by the next start when their supervisor was killed', async () => {
    const pids = await startAndKillSupervisor(dataDir);
    assert.equal(pids.length, 1);
    assert.deepEqual(
      pids.map((pid) => isRunning(markOf(pid))),
      [true],
    );
    running = await startEmbedded(options(dataDir, { needRegistry: false }));
    assert.deepEqual(
      pids.map((pid) => isRunning({ pid, started: null })),
      [false],
    );
    assert.equal(running.registry, undefined);
  });
});

function started(embedded: Embedded | undefined): Embedded {
  assert.ok(embedded);
  return embedded;
}

async function answers({ broker, registry }: Embedded): Promise<boolean> {
  const [host = '', port] = (broker?.address ?? '').split(':');
  const response = await fetch(`${registry?.address}/subjects`);
  return response.ok && (await isBrokerReady(host, Number(port)));
}

async function register(embedded: Embedded, name: string): Promise<number> {
  const response = await post(embedded, name, schema(name));
  assert.equal(response.status, 200);
  const { id } = (await response.json()) as { id: number };
  return id;
}

function post(embedded: Embedded, subject: string, body: string): Promise<Response> {
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  return fetch(`${embedded.registry?.address}/subjects/${subject}/versions`, {
    method: 'POST',
    headers,
    body,
  });
}

/** Starts a broker from another process, kills that process as `kill -9` does, and returns the broker's process id. */
async function startAndKillSupervisor(dataDir: string): Promise<readonly number[]> {
  const program = `
    import { startEmbedded } from ${JSON.stringify(new URL('../../infra/kafka/start-embedded.ts', import.meta.url).href)};
    const step = { update() {}, finish() {}, fail() {} };
    const logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger };
    const { broker } = await startEmbedded({ dataDir: process.argv[1], cacheDir: process.argv[2], env: process.env, logger,
      progress: { step: () => step, line() {} }, needKafka: true, needRegistry: false });
    console.log(broker.pid);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, dataDir, cacheDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pid = await new Promise<number>((resolve) =>
    child.stdout.once('data', (text: Buffer) => resolve(Number(text))),
  );
  child.kill('SIGKILL');
  while (child.exitCode === null && child.signalCode === null) await delay(10);
  return [pid];
}
