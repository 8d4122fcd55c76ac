import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { connect } from '../../client/steno-client.js';
import { startPlatform, type Platform } from '../support/platform.ts';

/** The JavaScript client as somebody else gets it: packed, installed into an empty project, typed. */

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

let platform: Platform;
let project: string;
let packed: readonly string[];

before(async () => {
  platform = await startPlatform();
  project = await mkdtemp(join(tmpdir(), 'steno-client-'));
  const pack = ['pack', '--json', '--pack-destination', project];
  const { stdout } = await run('npm', pack, { cwd: join(root, 'client') });
  // What npm documents of `pack --json`, as far as it is read here.
  const [made] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  assert.ok(made !== undefined);
  packed = made.files.map(({ path }) => path);
  await writeFile(join(project, 'package.json'), '{"name": "empty", "private": true, "type": "module"}');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${made.filename}`], {
    cwd: project,
  });
});
after(async () => {
  await platform.stop();
  await rm(project, { recursive: true, force: true });
});

test('the package holds the client, its types, its licence and what to read, and nothing else', () => {
  const rest = packed.filter((path) => !/^(session\/)?[a-z-]+\.js$/.test(path));
  assert.deepEqual(rest.sort(), ['LICENSE', 'README.md', 'package.json', 'steno-client.d.ts']);
  assert.ok(packed.includes('steno-client.js') && packed.includes('session/step.js'));
});

test('a script that imports it prints an answer and ends by itself', async () => {
  const script = `
    import { connect } from 'steno-client';
    const steno = connect({ url: process.argv[2] });
    for await (const part of steno.ask({ text: 'hello [[tokens=5]]', model: 'scripted' }))
      if (part.type === 'text') process.stdout.write(part.text);
    steno.close();`;
  await writeFile(join(project, 'ask.js'), script);
  const { stdout, stderr } = await run(process.execPath, ['ask.js', platform.url()], { cwd: project });
  assert.notEqual(stdout.trim(), '');
  assert.equal(stderr, '');
});

test('TypeScript knows what it is, with each way of resolving modules', async () => {
  const program = `
    import { connect, StenoError, type Answer, type DonePart, type Position } from 'steno-client';
    const steno = connect({ url: ['http://a', 'http://b'], key: 'k', onConnection: ({ state }) => console.log(state) });
    const answer: Answer = steno.ask({ text: 'hello', maxTokens: 5 }, { signal: AbortSignal.timeout(1) });
    for await (const part of answer) {
      if (part.type === 'text') console.log(part.text.length);
      if (part.type === 'accepted') console.log(part.conversationId);
      // @ts-expect-error: only some parts have text
      console.log(part.text);
    }
    const text: string = await answer.text((soFar: string) => console.log(soFar));
    const done: DonePart = await answer.done();
    const position: Position | null = answer.position;
    if (position !== null) steno.resume(position).stop();
    if (position !== null) await steno.feedback(position, { rating: 5 });
    const id: string = await steno.feedback({ inferenceId: 'i' }, { thumb: -1, labels: ['wrong'] });
    // @ts-expect-error: there is no such thumb
    await steno.feedback({ inferenceId: 'i' }, { thumb: 2 });
    // @ts-expect-error: there is no such field
    steno.ask({ text: 'x', colour: 'red' });
    try { steno.close(); } catch (error) { if (error instanceof StenoError) console.log(error.code, error.retryable); }
    console.log(text, done.outcome, id);`;
  await writeFile(join(project, 'use.ts'), program);
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  for (const [module, resolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const) {
    const flags = ['--noEmit', '--strict', '--target', 'es2022', '--module', module];
    const parameters = [tsc, ...flags, '--moduleResolution', resolution, 'use.ts'];
    const { status, stdout } = spawnSync(process.execPath, parameters, { cwd: project, encoding: 'utf8' });
    assert.deepEqual([status, stdout], [0, '']);
  }
});

test('another class of WebSockets will do', async () => {
  const steno = connect({ url: platform.url(), WebSocket });
  assert.notEqual(await steno.ask({ text: 'hello [[tokens=5]]', model: 'scripted' }).text(), '');
  steno.close();
});
