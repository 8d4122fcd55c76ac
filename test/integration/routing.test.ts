import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sendAnswer } from '../../bench/support/scripted-backend.ts';
import { parseConfig } from '../../runtime/config.ts';
import type { EventMap } from '../../schemas/generated/types.ts';
import { textOf } from '../../streams/parts.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { datasets, requestTopic, topicName } from '../../streams/topics.ts';
import { apiOf, type Api } from '../support/api.ts';
import { makeKey } from '../support/make-key.ts';
import { startMisbehavingBackend, status, type MisbehavingBackend } from '../support/misbehaving-backend.ts';
import { writeModels, type ModelsFile } from '../support/models-file.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { readTopic } from '../support/read-topic.ts';
import { readRecorded } from '../support/recorded.ts';
import { startSteno } from '../support/steno-command.ts';
import { until } from '../support/until.ts';

/** Routes on the log: set by anybody who may, followed by every gateway, rolled back by people and by themselves. */

let backend: MisbehavingBackend;
let platform: Platform;
let models: ModelsFile;
/** Of the administrators' ports of two gateways, and their users' ports. */
let operators: readonly [Api, Api];
let users: readonly [Api, Api];

before(async () => {
  backend = await startMisbehavingBackend();
  models = await writeModels([
    { id: 'stable', engine: 'scripted' },
    {
      ...{ id: 'tried', engine: 'openai-compatible' },
      backend: { baseUrl: backend.baseUrl, model: 'there', breaker: { failures: 1_000, openMs: 1_000 } },
    },
  ]);
  const env = { STENO_MODELS_FILE: models.path, STENO_MODEL: 'stable', STENO_AUTH: 'required' };
  platform = await startPlatform({ env: { ...env, STENO_ADMIN_PORT: '0' } });
  const second = await platform.start('gateway', { STENO_REPLY_PARTITION: '5' });
  await platform.start('inference-worker', { STENO_MODEL: 'tried' });
  const boss = await makeKey(platform, 'operations', 'root', '--role', 'operator');
  const ann = await makeKey(platform, 'acme', 'ann');
  const gateways = [platform.find('gateway'), second];
  const [first, other] = gateways.map(({ address }) => apiOf(address ?? '', ann));
  users = [first ?? assert.fail(), other ?? assert.fail()];
  const log = await readFile(join(platform.dataDir, 'gateway.log'), 'utf8');
  const ports = [...log.matchAll(/"address":"(http:[^"]+)","msg":"administrators are served"/g)];
  const [one, two] = ports.map(([, address = '']) => apiOf(address, boss));
  operators = [one ?? assert.fail(), two ?? assert.fail()];
  for (const operator of operators)
    await until('the key is known', async () => (await operator.get('/v1/config')).status === 200);
});
after(async () => {
  await platform.stop();
  await backend.close();
  await models.remove();
});

function either(apis: readonly [Api, Api], number: number): Api {
  return apis[number % 2 === 0 ? 0 : 1];
}

async function steno(
  ...parameters: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return startSteno(['config', ...parameters], { ...process.env, ...platform.env }).ended;
}

async function routesFile(routes: object): Promise<string> {
  const file = join(models.folder, 'routes.json');
  await writeFile(file, JSON.stringify({ routes }));
  return file;
}

async function changes(): Promise<readonly EventMap['ConfigChanged'][]> {
  const events = await connectEvents(parseConfig(platform.env), 'reader', []);
  const found = await readTopic(events, topicName(platform.cluster.prefix, datasets.configuration));
  await events.log.close();
  return found.flatMap((event) => (event.type === 'ConfigChanged' ? [event.data] : []));
}

/** Waits until both gateways know the route. */
async function known(name: string): Promise<void> {
  for (const user of users)
    await until(
      `the route ${name} is known`,
      async () => (await user.get(`/v1/models/${name}`)).status === 200,
    );
}

async function ask(user: Api, model: string, text: string) {
  const answered = await user.send('POST', '/v1/chat/completions', {
    model,
    messages: [{ role: 'user', content: text }],
  });
  assert.equal(answered.status, 200, answered.text);
  return { model: answered.field('model'), inferenceId: answered.headers.get('x-steno-inference') ?? '' };
}

test('the catalogue that a gateway was started with is on record, once', async () => {
  const recorded = (await changes()).filter(({ kind }) => kind === 'models');
  assert.equal(recorded[0]?.replaces, null);
  const { code, stdout } = await steno('show', '--kind', 'models');
  assert.equal(code, 0);
  const { models: shown } = JSON.parse(stdout) as { models: { id: string }[] };
  assert.deepEqual(
    shown.map(({ id }) => id),
    ['stable', 'tried'],
  );
});

test('a route is shown before it is set, then every gateway has it; its instructions are recorded and not shown', async () => {
  const file = await routesFile({ chat: { model: 'stable', instructions: 'You are Ada.' } });
  const dry = await steno('set', file);
  assert.deepEqual([dry.code, /repeat it with --execute/.test(dry.stderr)], [0, true]);
  assert.match(dry.stdout, /"instructions":"You are Ada\."/);
  assert.equal((await users[0].get('/v1/models/chat'))?.status, 404);
  const done = await steno('set', file, '--reason', 'a first route', '--execute');
  assert.equal(done.code, 0, done.stderr);
  await known('chat');
  for (const user of users) {
    assert.match((await user.get('/v1/models')).text, /"id":"chat"/);
    const { model, inferenceId } = await ask(user, 'chat', 'hello [[tokens=2]]');
    assert.equal(model, 'stable');
    const submitted = (await readRecorded(platform)).conversations.find(
      (event) => event.type === 'MessageSubmitted' && event.data.inferenceId === inferenceId,
    );
    assert.ok(submitted?.type === 'MessageSubmitted');
    const [routes] = (await changes()).filter(({ kind }) => kind === 'routes');
    assert.deepEqual([submitted.data.template, submitted.data.route.model], ['chat', 'stable']);
    assert.ok(submitted.data.configVersion.endsWith(`+${routes?.version ?? ''}`));
    const events = await connectEvents(parseConfig(platform.env), 'reader', ['stable']);
    const asked = await readTopic(events, requestTopic(platform.cluster.prefix, 'stable', 'interactive'));
    await events.log.close();
    const request = asked.find(
      (event) => event.type === 'InferenceRequested' && event.data.inferenceId === inferenceId,
    );
    assert.ok(request?.type === 'InferenceRequested');
    assert.deepEqual(
      request.data.messages.map(({ role, parts }) => [role, textOf(parts)]),
      [
        ['system', 'You are Ada.'],
        ['user', 'hello [[tokens=2]]'],
      ],
    );
  }
  const made = await users[0].send('POST', '/v1/responses', { model: 'chat', input: 'hi [[tokens=2]]' });
  const read = await users[1].get(`/v1/responses/${String(made?.field('id'))}`);
  for (const answered of [made, read])
    assert.deepEqual([answered?.status, answered?.field('instructions')], [200, null]);
});

test('what does not hold together is refused, and names where', async () => {
  const nobody = await steno('set', await routesFile({ chat: { model: 'nobody' } }), '--execute');
  assert.deepEqual([nobody.code, /routes\.chat\.model: got "nobody"/.test(nobody.stderr)], [1, true]);
  const typo = await steno('set', await routesFile({ chat: { modle: 'stable' } }));
  assert.equal(typo.code, 1);
  assert.match(typo.stderr, /routes\.chat/);
  const same = await steno(
    'set',
    await routesFile({ chat: { model: 'stable', instructions: 'You are Ada.' } }),
  );
  assert.deepEqual([same.code, /nothing would be different/.test(same.stderr)], [1, true]);
  const bad = await operators[0].send('PUT', '/v1/config/routes', { routes: { chat: { model: 'nobody' } } });
  assert.deepEqual([bad?.status, bad?.text.includes('routes.chat.model')], [400, true]);
});

test('of changes made at once one holds, and the others are told', async () => {
  const { version: replaces } = await routesOf(operators[0]);
  const answered = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      either(operators, index).send('PUT', '/v1/config/routes', {
        routes: { chat: { model: 'stable' }, [`of-${index}`]: { model: 'stable' } },
        reason: 'at once',
        replaces,
      }),
    ),
  );
  const statuses = answered.map((one) => one?.status);
  assert.equal(statuses.filter((code) => code === 200).length, 1, statuses.join());
  assert.equal(statuses.filter((code) => code === 409).length, 7, statuses.join());
  const winner = answered.findIndex((one) => one?.status === 200);
  await known(`of-${winner}`);
  for (const operator of operators)
    assert.deepEqual(Object.keys((await routesOf(operator)).routes).sort(), ['chat', `of-${winner}`]);
  const stale = await operators[0].send('PUT', '/v1/config/routes', { routes: {}, replaces: '00000000' });
  assert.equal(stale?.status, 409);
});

async function routesOf(operator: Api): Promise<{ readonly version: string; readonly routes: object }> {
  const found = (await operator.get('/v1/config')).field('routes') as {
    readonly version: string;
    readonly document: { readonly routes: object };
  };
  return { version: found.version, routes: found.document.routes };
}

test('a rollback puts the version before in force; the history says who did what', async () => {
  const dry = await steno('rollback');
  assert.match(dry.stdout, /- \/routes\/of-\d/);
  assert.equal((await steno('rollback', '--execute')).code, 0);
  const history = await steno('history', '--kind', 'routes');
  const lines = history.stdout.split('\n').filter((line) => /^\d{4}-/.test(line));
  assert.match(lines[0] ?? '', /routes {2}[0-9a-f]{16} {2}cli:\S+ {2}a first route$/);
  const atOnce = lines.filter((line) => line.includes('  at once'));
  assert.equal(atOnce.filter((line) => !line.endsWith('(void: somebody else was faster)')).length, 1);
  assert.match(lines.at(-1) ?? '', /back to [0-9a-f]{16}$/);
  const versions = await operators[1].get('/v1/config/versions?kind=routes&limit=1');
  assert.match(versions?.text ?? '', /"restores":"[0-9a-f]{16}"/);
  const back = await operators[1].send('POST', '/v1/config/routes/rollback', { version: 'ffffffff' });
  assert.equal(back?.status, 404);
});

test('a canary answers its share; where it fails the old model answers, and it is taken back by an event', async () => {
  const canary = { model: 'tried', percent: 50, maxErrorRate: 0.2, minTurns: 10 };
  const set = await operators[0].send('PUT', '/v1/config/routes', {
    routes: { careful: { model: 'stable', canary } },
    reason: 'trying',
  });
  assert.equal(set?.status, 200, set?.text);
  await known('careful');
  const well = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      ask(either(users, index), 'careful', `well ${index} [[tokens=2]]`),
    ),
  );
  const answeredBy = (name: string): number => well.filter(({ model }) => model === name).length;
  assert.ok(answeredBy('tried') > 5 && answeredBy('stable') > 5);
  const submitted = (await readRecorded(platform)).conversations.flatMap((event) =>
    event.type === 'MessageSubmitted' && event.data.route.canaryBucket >= 0 ? [event.data.route] : [],
  );
  assert.equal(submitted.length, 40);
  for (const { canaryBucket, model } of submitted) assert.equal(model === 'tried', canaryBucket < 50);

  backend.always((response, chat, ...rest) =>
    (chat.maxTokens === 1 ? sendAnswer : status(500, 'server_error'))(response, chat, ...rest),
  );
  let asked = 0;
  await until('the canary is taken back', async () => {
    asked += 1;
    // Nobody is left without an answer meanwhile.
    await ask(either(users, asked), 'careful', `badly ${asked} [[tokens=2]]`);
    return !JSON.stringify((await routesOf(operators[0])).routes).includes('tried');
  });
  const last = (await changes()).filter(({ kind, actor }) => kind === 'routes' && actor === 'rule:canary');
  assert.ok(last.length === 1 || last.length === 2, 'one of the gateways was first');
  assert.match(last[0]?.reason ?? '', /^canary of careful: \d+ of \d+ turns of tried failed/);
  assert.deepEqual(last[0]?.changes[0]?.path, '/routes/careful/canary');
  const ended = await ask(users[1], 'careful', 'after [[tokens=2]]');
  assert.equal(ended.model, 'stable');
});

test('a gateway that starts later has the routes that hold', async () => {
  const { version } = await routesOf(operators[0]);
  const third = await platform.start('gateway', { STENO_REPLY_PARTITION: '9', STENO_ADMIN_PORT: '' });
  const log = await readFile(join(platform.dataDir, 'gateway.log'), 'utf8');
  assert.ok(third.address !== undefined);
  assert.ok(
    log
      .split('\n')
      .findLast((line) => line.includes('"routes hold"'))
      ?.includes(version),
  );
});
