import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OpenAiCompatibleEngine } from '../../inference-workers/engines/openai-compatible/openai-compatible-engine.ts';
import { createExternalCalls } from '../../runtime/external-call.ts';
import { createLogger } from '../../runtime/logger.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { answer, aPrompt } from '../contract/engine.ts';
import {
  hang,
  startMisbehavingBackend,
  status,
  type MisbehavingBackend,
} from '../support/misbehaving-backend.ts';
import { until } from '../support/until.ts';

/** P13: when a backend fails, calls fail fast within 50 ms of opening; it closes by itself. */

const LONG = 60_000;
/** Ten times what is promised. */
const CEILING_MS = 500;
const CALLS_BEFORE_OPENING = 10;
const UNAVAILABLE = { code: 'engine_unavailable', retryable: true };
const metrics = createMetrics('test');
const calls = createExternalCalls(metrics);
let backend: MisbehavingBackend;

before(async () => {
  backend = await startMisbehavingBackend();
});
after(() => backend.close());

function anEngine(id: string, baseUrl: string, openMillis: number): OpenAiCompatibleEngine {
  return new OpenAiCompatibleEngine({
    ...{ id, calls, apiKey: null, firstTokenMs: LONG, tokenGapMs: LONG },
    backend: {
      ...{ baseUrl, continues: false, model: 'm', slots: 32, maxTokensField: 'max_tokens', omit: [] },
      breaker: { failures: CALLS_BEFORE_OPENING, openMs: openMillis },
    },
    logger: createLogger({ role: 'test', level: 'silent' }),
    // Longer than the test may take: whoever still waits when the breaker opens must be woken.
    retryPauseMs: LONG,
  });
}

function askMany(engine: OpenAiCompatibleEngine, count: number): Promise<void>[] {
  return Array.from({ length: count }, () => assert.rejects(answer(engine, aPrompt()), UNAVAILABLE));
}

async function stateOf(id: string): Promise<string | undefined> {
  const lines = (await metrics.render()).split('\n');
  const line = lines.find(
    (text) => text.startsWith('steno_external_call_breaker_state') && text.includes(`"${id}"`),
  );
  return line?.split(' ').at(-1);
}

test('a backend that fails is not asked any more, and every call fails fast, those in a pause too', async () => {
  const engine = anEngine('fails', backend.baseUrl, LONG);
  backend.always(status(500, 'server_error'));
  const asked = backend.requests.length;
  await Promise.all(askMany(engine, CALLS_BEFORE_OPENING));
  assert.deepEqual([engine.facts(), await stateOf('fails')], [{ breakerOpen: 1 }, '2']);
  assert.equal(backend.requests.length - asked, CALLS_BEFORE_OPENING);
  const began = performance.now();
  await Promise.all(askMany(engine, 100));
  assert.ok(performance.now() - began < CEILING_MS);
  assert.equal(backend.requests.length - asked, CALLS_BEFORE_OPENING);
  backend.always(null);
  await engine.stop();
});

test('the breaker closes by itself once the backend is well, without anybody’s message', async () => {
  const engine = anEngine('heals', backend.baseUrl, 50);
  backend.always(status(503, 'loading'));
  await Promise.all(askMany(engine, CALLS_BEFORE_OPENING));
  const asked = backend.requests.length;
  await until('it asks for itself, in vain', () => backend.requests.length >= asked + 2);
  assert.equal(engine.facts()['breakerOpen'], 1);
  assert.equal(backend.requests.at(-1)?.chat.maxTokens, 1, 'it asks for one token');
  backend.always(null);
  await until('it closed', () => engine.facts()['breakerOpen'] === 0);
  assert.equal(await stateOf('heals'), '0');
  await answer(engine, aPrompt());
  await engine.stop();
});

test('a backend that vanishes and comes back at its address', async () => {
  const other = await startMisbehavingBackend();
  const engine = anEngine('vanishes', other.baseUrl, 50);
  await engine.start();
  await other.close();
  await Promise.all(askMany(engine, CALLS_BEFORE_OPENING));
  assert.equal(engine.facts()['breakerOpen'], 1);
  const back = await startMisbehavingBackend(other.port);
  await until('it closed', () => engine.facts()['breakerOpen'] === 0);
  await answer(engine, aPrompt());
  await engine.stop();
  await back.close();
});

test('requests for a pause and refused prompts leave the breaker closed', async () => {
  const engine = anEngine('refuses', backend.baseUrl, LONG);
  for (const fault of [
    status(400, 'context_length_exceeded'),
    status(429, 'slow_down', { 'retry-after': '0' }),
  ]) {
    for (let count = 0; count < 2 * CALLS_BEFORE_OPENING; count += 1) {
      backend.next(fault);
      await assert.rejects(answer(engine, aPrompt()));
    }
  }
  assert.equal(engine.facts()['breakerOpen'], 0);
  await engine.stop();
});

test('answers that a person stopped leave it closed, answers that hung open it', async () => {
  for (const [id, code, open] of [
    ['stopped', 'cancelled', 0],
    ['hung', 'timeout', 1],
  ] as const) {
    const engine = anEngine(id, backend.baseUrl, LONG);
    const asked = backend.requests.length;
    backend.always(hang);
    const patience = new AbortController();
    const reason = Object.assign(new Error('no more'), { code });
    const waiting = Array.from({ length: CALLS_BEFORE_OPENING }, () =>
      assert.rejects(async () => {
        for await (const _part of engine.generate(aPrompt(), { signal: patience.signal }));
      }, reason),
    );
    await until('all were asked', () => backend.requests.length === asked + CALLS_BEFORE_OPENING);
    patience.abort(reason);
    await Promise.all(waiting);
    assert.equal(engine.facts()['breakerOpen'], open, id);
    backend.always(null);
    await engine.stop();
  }
});

test('each backend has a breaker of its own', async () => {
  const failing = anEngine('one', backend.baseUrl, LONG);
  const other = await startMisbehavingBackend();
  const well = anEngine('other', other.baseUrl, LONG);
  backend.always(status(500, 'server_error'));
  await Promise.all(askMany(failing, CALLS_BEFORE_OPENING));
  assert.deepEqual([failing.facts()['breakerOpen'], well.facts()['breakerOpen']], [1, 0]);
  await answer(well, aPrompt());
  backend.always(null);
  for (const engine of [failing, well]) await engine.stop();
  await other.close();
});
