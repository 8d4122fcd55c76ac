import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { errorMessage } from '../../runtime/errors.ts';
import { startOpenAiPlatform, type OpenAiPlatform } from '../support/openai-platform.ts';
import { inferenceOf } from '../support/openai-sdks.ts';
import { pythonEnvironment } from '../support/python-environment.ts';
import { until } from '../support/until.ts';

/**
 * OpenAI's own Python SDK, its newest version and one of a year ago, over every branch of /v1/chat/completions and the
 * ways of /v1/responses.
 */

const PROGRAM = fileURLToPath(new URL('../fixtures/openai-client.py', import.meta.url));
const run = promisify(execFile);

let openai: OpenAiPlatform;
before(async () => {
  openai = await startOpenAiPlatform();
});
after(async () => {
  await openai.stop();
});

for (const version of ['3.54.0', '2.8.1']) {
  test(`openai-python ${version}`, { timeout: 280_000 }, async (t) => {
    let python: string;
    try {
      python = await pythonEnvironment({ name: 'openai', packages: [`openai==${version}`] });
    } catch (error) {
      t.skip(`openai-python ${version} cannot be had: ${errorMessage(error)}`);
      return;
    }
    const env = { ...process.env, BASE_URL: openai.baseURL, API_KEY: openai.apiKey, ONCE: randomUUID() };
    const { stdout } = await run(python, [PROGRAM], { env, timeout: 120_000 });
    // The program prints one object, whose fields are compared below.
    const saw = JSON.parse(stdout) as Record<string, unknown> & {
      streamed: Record<string, unknown>;
      left: string;
    };

    assert.deepEqual([saw.streamed['ids'], saw.streamed['finish'], saw.streamed['usage']], [1, 'stop', 25]);
    const streamed = (await openai.conversations()).find(
      (event) =>
        event.type === 'InferenceCompleted' && event.data.inferenceId === inferenceOf(saw.streamed['id']),
    );
    assert.ok(streamed?.type === 'InferenceCompleted');
    assert.equal(saw.streamed['text'], streamed.data.content.text);
    assert.deepEqual(saw['whole'], { text: 'one two', finish: 'stop', model: 'scripted', request: true });
    const other = {
      kind: 'UnprocessableEntityError',
      status: 422,
      code: 'idempotency_mismatch',
      param: null,
    };
    assert.deepEqual(saw['once'], { same: true, streamed: true, other });
    const whole = { dense: true, text: true, resumed: true, stored: true };
    const ended = { last: 'response.completed', tokens: 9, cancelled: 'completed' };
    assert.deepEqual(saw['responded'], { ...whole, ...ended });
    assert.deepEqual(saw['called'], {
      ...{ said: 'Sure.', text: 'Sure.', call: ['add', '{"a": 2}'] },
      ...{ streamed: ['{"a": 2}', 'add'], answered: 'it is 4' },
    });
    const retried = saw['retried'] as {
      readonly text: boolean;
      readonly seen: readonly (readonly string[])[];
    };
    assert.ok(retried.text);
    assert.deepEqual(
      retried.seen.map(([count]) => count),
      ['0', '1'],
    );
    assert.equal(retried.seen[0]?.[1], retried.seen[1]?.[1], 'the retry goes on with the first');
    assert.ok(String(saw['heartbeat']).length > 0);
    const late = saw['failed late'] as { readonly code?: string } | null;
    assert.equal(late?.code, 'engine_failed', 'a failure after text is raised');
    const refused = { 'failed early': [500, 'engine_failed'], 'unknown model': [404, 'model_not_found'] };
    for (const [branch, [status, code]] of Object.entries(refused)) {
      const seen = saw[branch] as { readonly status: unknown; readonly code: unknown };
      assert.deepEqual([seen.status, seen.code], [status, code], branch);
    }
    const bad = { kind: 'BadRequestError', status: 400, code: 'invalid_request' };
    assert.deepEqual(saw['five answers'], { ...bad, param: 'n' });
    assert.deepEqual(saw['an image'], { ...bad, param: 'messages[0].content' });
    const stranger = { kind: 'AuthenticationError', status: 401, code: 'invalid_api_key', param: null };
    assert.deepEqual(saw['a stranger'], stranger);
    assert.deepEqual([saw['models'], saw['one model']], [['scripted'], 'scripted']);

    await until('the answer that was left is cancelled', async () =>
      (await openai.conversations()).some(
        (event) =>
          event.type === 'InferenceCancelled' &&
          event.data.inferenceId === inferenceOf(saw.left) &&
          event.data.cancelReason === 'disconnect',
      ),
    );
  });
}
