import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { parseConfig } from '../../runtime/config.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { apiOf, type Api } from '../support/api.ts';
import { makeKey } from '../support/make-key.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { readTopic } from '../support/read-topic.ts';
import { startSteno } from '../support/steno-command.ts';
import { until } from '../support/until.ts';

/** `steno export`: files hold what the log holds, whatever stopped the export on its way. */

const TURNS = 12;
let platform: Platform;
let folder: string;
/** What lies on the topics by now; nothing comes any more. */
let conversations: readonly LoggedEvent[];
let turns: readonly LoggedEvent[];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'steno-export-'));
  platform = await startPlatform({ env: { STENO_AUTH: 'required' } });
  const acme = apiOf(platform.url(), await makeKey(platform, 'acme', 'ann'));
  const other = apiOf(platform.url(), await makeKey(platform, 'other', 'bob'));
  const say = (api: Api, turn: number) =>
    api.send('POST', '/conversation', { message: `marzipan ${turn} [[tokens=3]]` });
  for (let turn = 0; turn < TURNS; turn += 1) {
    const answer = await say(turn % 3 === 0 ? other : acme, turn);
    assert.equal(answer.status, 200, answer.text);
  }
  const events = await connectEvents(parseConfig(platform.env), 'test', ['scripted']);
  const all = (dataset: (typeof datasets)[keyof typeof datasets]) =>
    readTopic(events, topicName(platform.cluster.prefix, dataset));
  await until('all is measured', async () => (await all(datasets.turns)).length === 2 * TURNS);
  conversations = await all(datasets.conversations);
  turns = await all(datasets.turns);
  await events.log.close();
});
after(async () => {
  await platform.stop();
  await rm(folder, { recursive: true });
});

type Table = Readonly<Record<string, unknown>>;

async function steno(...words: readonly string[]) {
  return startSteno(['export', ...words], { ...process.env, ...platform.env }).ended;
}

async function exported(name: string, ...words: readonly string[]): Promise<string> {
  const to = join(folder, name);
  const { code, stderr } = await steno(words[0] ?? '', to, ...words.slice(1));
  assert.equal(code, 0, stderr);
  return to;
}

async function filesOf(of: string, extension: string): Promise<readonly string[]> {
  const found = await readdir(of, { recursive: true });
  return found.filter((path) => path.endsWith(extension)).sort();
}

async function linesOf(of: string): Promise<readonly Table[]> {
  const texts = await Promise.all(
    (await filesOf(of, '.jsonl')).map((path) => readFile(join(of, path), 'utf8')),
  );
  return texts.flatMap((text) => text.trimEnd().split('\n')).map((line) => JSON.parse(line) as Table);
}

const idsOf = (events: readonly LoggedEvent[]): readonly unknown[] =>
  events.map(({ data }) => ('eventId' in data ? data.eventId : null)).sort();
const exportedIds = (rows: readonly Table[]): readonly unknown[] => rows.map(({ eventId }) => eventId).sort();

async function contentsOf(of: string): Promise<readonly string[]> {
  return Promise.all(
    (await filesOf(of, '.jsonl')).map(async (path) => path + (await readFile(join(of, path), 'utf8'))),
  );
}

test('JSON lines hold every event once, by type and day, and the checksums hold', async () => {
  const to = await exported('whole', 'conversations');
  assert.deepEqual(exportedIds(await linesOf(to)), idsOf(conversations));
  for (const path of await filesOf(to, '.jsonl'))
    assert.match(path, /^[\w.-]+\.conversations\.v1\/type=\w+\/date=\d{4}-\d\d-\d\d\/\d{3}-\d{12}\.jsonl$/);
  const checked = execFileSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: to, encoding: 'utf8' });
  assert.equal(checked.match(/: OK$/gm)?.length, (await filesOf(to, '.jsonl')).length);
});

test('Parquet holds the same rows as JSON lines, with typed columns', async () => {
  const to = await exported('table', 'turns', '--format', 'parquet', '--types', 'TurnMeasured');
  const rows: Table[] = [];
  for (const path of await filesOf(to, '.parquet'))
    rows.push(...(await parquetReadObjects({ file: await asyncBufferFromFile(join(to, path)) })));
  const measured = turns.filter(({ type }) => type === 'TurnMeasured');
  assert.deepEqual(exportedIds(rows), idsOf(measured));
  for (const { offset, partition, data, time } of measured) {
    const row = rows.find(({ eventId }) => 'eventId' in data && eventId === data.eventId);
    assert.deepEqual([row?.['log_offset'], row?.['log_partition']], [BigInt(offset), partition]);
    assert.deepEqual(row?.['log_time'], new Date(time));
    const fields = data as unknown as Table;
    for (const name of ['model', 'tenantId', 'conversationId']) assert.equal(row?.[name], fields[name]);
  }
});

test('a tenant, types and times narrow it; without what is personal no word is left', async () => {
  const mine = await linesOf(await exported('mine', 'conversations', '--tenant', 'acme'));
  assert.deepEqual(new Set(mine.map(({ tenantId }) => tenantId)), new Set(['acme']));
  assert.equal(mine.length, (conversations.length * 2) / 3);
  const bare = await exported('bare', 'conversations', '--without-pii', '--types', 'MessageSubmitted');
  assert.equal((await linesOf(bare)).length, TURNS);
  assert.doesNotMatch((await contentsOf(bare)).join(''), /marzipan/);
  assert.match((await contentsOf(join(folder, 'whole'))).join(''), /marzipan/);
  const middle = [...conversations].sort((one, next) => one.time - next.time)[TURNS]?.time ?? 0;
  const at = new Date(middle).toISOString();
  const early = await linesOf(await exported('early', 'conversations', '--to', at));
  const late = await linesOf(await exported('late', 'conversations', '--from', at));
  assert.ok(early.length > 0 && late.length > 0);
  assert.deepEqual(exportedIds([...early, ...late]), idsOf(conversations));
});

test('an export that was cut off anywhere goes on to the same bytes, and one that is complete is left alone', async () => {
  const whole = join(folder, 'whole');
  const cut = await exported('cut', 'conversations');
  const file = join(cut, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as { done: { files: unknown[] }[] };
  const from = Math.floor(manifest.done.length / 2);
  // As a kill leaves it: partitions that are not in the manifest, files half written.
  await writeFile(file, JSON.stringify({ ...manifest, done: manifest.done.slice(0, from), complete: false }));
  await rm(join(cut, 'SHA256SUMS'));
  for (const path of await filesOf(cut, '.jsonl')) {
    if (path.length % 2 === 0) await appendFile(`${join(cut, path)}.unfinished`, '{"half');
  }
  await exported('cut', 'conversations');
  assert.deepEqual(await contentsOf(cut), await contentsOf(whole));
  assert.equal(
    await readFile(join(cut, 'SHA256SUMS'), 'utf8'),
    await readFile(join(whole, 'SHA256SUMS'), 'utf8'),
  );
  const before = await stat(file);
  await exported('cut', 'conversations');
  assert.equal((await stat(file)).mtimeMs, before.mtimeMs);
  const [first = ''] = await filesOf(cut, '.jsonl');
  await rm(join(cut, first));
  await exported('cut', 'conversations');
  assert.deepEqual(await contentsOf(cut), await contentsOf(whole), 'a file that is gone is written again');
});

test('another export does not go into its folder, nor into one of anything else; what is wrong is named', async () => {
  const other = await steno('conversations', join(folder, 'whole'), '--tenant', 'acme');
  assert.deepEqual([other.code, /holds another export/.test(other.stderr)], [1, true], other.stderr);
  const foreign = await steno('conversations', dirname(folder));
  assert.deepEqual([foreign.code, /is not empty, and holds no export/.test(foreign.stderr)], [1, true]);
  const type = await steno('turns', join(folder, 'none'), '--types', 'MessageSubmitted');
  assert.deepEqual(
    [type.code, /turns has no MessageSubmitted; it has TurnMeasured/.test(type.stderr)],
    [2, true],
  );
  const topic = await steno('dead-letters', join(folder, 'none'));
  assert.deepEqual([topic.code, topic.stderr.includes('conversations')], [2, true]);
});

test('every export is recorded with who, what and why', async () => {
  await exported('why', 'quality', '--purpose', 'a review');
  const { code, stdout, stderr } = await startSteno(
    ['audit', 'report', '--action', 'export', '--format', 'json'],
    { ...process.env, ...platform.env },
  ).ended;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /quality\.v1/);
  assert.match(stdout, /a review/);
  assert.match(stdout, /conversations\.v1\?types=MessageSubmitted&without-pii=true/);
});
