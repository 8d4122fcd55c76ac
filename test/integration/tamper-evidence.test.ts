import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { apiOf } from '../support/api.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { kill9 } from '../support/role-process.ts';
import { startSteno } from '../support/steno-command.ts';
import { until } from '../support/until.ts';

/**
 * P16: any change, removal, insertion, reordering or truncation of audited records is found against the last head stored
 * elsewhere. A thousand edits of every kind are tried in test/unit/replay/audit.
 */

let platform: Platform;
let inferenceId = '';
const file = (name: string): string => join(platform.dataDir, name);

before(async () => {
  platform = await startPlatform({
    roles: ['processors', 'inference-worker', 'projections', 'gateway'],
    env: { STENO_AUDIT_SEAL_SECONDS: '1' },
  });
  await platform.start('sealer', { STENO_AUDIT_HEAD_FILE: file('head.json') });
  await platform.start('sealer', { STENO_AUDIT_HEAD_FILE: file('head.json') });
  inferenceId = await say('to be sealed [[tokens=3]]');
});
after(() => platform.stop());

async function say(message: string): Promise<string> {
  const answer = await apiOf(platform.url(), null).send('POST', '/conversation', { message });
  assert.equal(answer.status, 200, answer.text);
  return answer.headers.get('x-steno-inference') ?? '';
}

const steno = (...words: readonly string[]) => startSteno(words, { ...process.env, ...platform.env }).ended;

async function verdict(...words: readonly string[]) {
  const { stdout, stderr, code } = await steno('audit', 'verify', '--json', ...words);
  assert.ok(stdout !== '', stderr);
  const found = JSON.parse(stdout) as {
    intact: boolean;
    verified: number;
    broken: string | null;
    differences: { topic: string; partition: number; offset: number; kind: string }[];
  };
  return { ...found, code };
}

const headNumber = (): number =>
  (JSON.parse(readFileSync(file('head.json'), 'utf8')) as { number: number }).number;

const isSealed = async (): Promise<boolean> => {
  const { stdout } = await steno('audit', 'verify', '--json');
  return (JSON.parse(stdout) as { verified: number }).verified > 3;
};

test('what was appended is sealed, also by another sealer when the first one dies', async () => {
  await until('a seal covers the turn', isSealed, 60_000);
  await kill9(platform.find('sealer'));
  const before = headNumber();
  await say('after the first sealer [[tokens=2]]');
  await until('the chain goes on', () => headNumber() > before, 60_000);
  const { intact, code, broken } = await verdict('--head', file('head.json'));
  assert.deepEqual([intact, code, broken], [true, 0, null]);
});

test('evidence of an answer is checked with nothing but Node, and an edit of it is found', async () => {
  const folder = file('evidence');
  const { code, stderr } = await steno('evidence', inferenceId, folder);
  assert.equal(code, 0, stderr);
  const { code: printed, stdout: head } = await steno('audit', 'head');
  assert.equal(printed, 0);
  writeFileSync(join(folder, 'head.json'), head);
  const check = (bundle: string) =>
    promisify(execFile)(process.execPath, [
      join(folder, 'verify-evidence.js'),
      join(folder, bundle),
      join(folder, 'evidence-head.json'),
    ]);
  const bundle = JSON.parse(readFileSync(join(folder, 'evidence.json'), 'utf8')) as {
    records: { type: string; value: string; timestamp: number }[];
    seals: { text: string }[];
  };
  assert.ok(bundle.records.some(({ type }) => type === 'InferenceCompleted'));
  // The head that belongs to the last seal of the bundle: the chain went on meanwhile.
  const lastNumber = Number(/^number (\d+)$/m.exec(bundle.seals.at(-1)?.text ?? '')?.[1]);
  assert.ok(lastNumber > 0);
  const hash = createHash('sha256')
    .update(bundle.seals.at(-1)?.text ?? '')
    .digest('hex');
  writeFileSync(
    join(folder, 'evidence-head.json'),
    JSON.stringify({ ...(JSON.parse(head) as object), number: lastNumber, hash }),
  );
  const good = await check('evidence.json');
  assert.doesNotMatch(good.stdout, /BAD/);
  const [first] = bundle.records;
  assert.ok(first !== undefined);
  first.timestamp += 1;
  writeFileSync(join(folder, 'edited.json'), JSON.stringify(bundle));
  await assert.rejects(check('edited.json'), { code: 1 });
});

test('a copy verifies without a broker, and an edit of it is named by its place', async () => {
  const folder = file('copy');
  const exported = await steno('audit', 'export', folder);
  assert.equal(exported.code, 0, exported.stderr);
  const offline = (): ReturnType<typeof verdict> => verdict('--export', folder);
  const whole = await offline();
  assert.deepEqual([whole.intact, whole.code], [true, 0]);
  assert.ok(whole.verified > 3);
  const name =
    readdirSync(join(folder, 'records'))
      .sort()
      .find((each) => each.includes('.conversations.')) ?? assert.fail();
  const path = join(folder, 'records', name);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const record = JSON.parse(lines[0] ?? '') as { value: string };
  const bytes = Buffer.from(record.value, 'base64');
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(
    path,
    `${[JSON.stringify({ ...record, value: bytes.toString('base64') }), ...lines.slice(1)].join('\n')}\n`,
  );
  const edited = await offline();
  assert.deepEqual([edited.intact, edited.code], [false, 4]);
  assert.deepEqual(
    edited.differences.map(({ offset, kind }) => ({ offset, kind })),
    [{ offset: 0, kind: 'changed' }],
  );
});

test('who looked is on the record, as a table, as JSON and as a page', async () => {
  const { stdout } = await steno('audit', 'report', '--format', 'json');
  const actions = stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { action: string }).action);
  for (const action of ['verify', 'export', 'evidence', 'read-head'])
    assert.ok(actions.includes(action), action);
  assert.match((await steno('audit', 'report', '--action', 'export')).stdout, /^at \(UTC\) .*\n.* export /);
  assert.match((await steno('audit', 'report', '--format', 'html')).stdout, /<td>audit-report<\/td>/);
});
