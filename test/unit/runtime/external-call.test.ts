import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StenoError } from '../../../runtime/errors.ts';
import { createExternalCalls, type BreakerState, type ExternalCall } from '../../../runtime/external-call.ts';
import { createMetrics } from '../../../runtime/metrics.ts';
import { until } from '../../support/until.ts';

const LONG = 60_000;
const CALLS_BEFORE_OPENING = 5;

function aCall(
  overrides: Partial<Parameters<ReturnType<typeof createExternalCalls>['open']>[0]> = {},
): ExternalCall {
  return createExternalCalls(null).open({ name: 'target', ...overrides });
}

function never(): AbortSignal {
  return new AbortController().signal;
}

function run<T>(call: ExternalCall, action: (signal: AbortSignal) => Promise<T>, millis = LONG): Promise<T> {
  return call.run(action, { signal: never(), millis });
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<string, void> {
  for (const text of texts) yield await Promise.resolve(text);
}

/** An answer that begins and never goes on, as long as nobody aborts it. */
async function* silentAfter(text: string, signal: AbortSignal): AsyncGenerator<string, void> {
  yield text;
  await untilAborted(signal);
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    // What the caller aborted with.
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    if (signal.aborted) reject(signal.reason as Error);
  });
}

async function failTimes(call: ExternalCall, times: number, error: Error): Promise<void> {
  for (let count = 0; count < times; count += 1) await assert.rejects(run(call, () => Promise.reject(error)));
}

test('a call hands its answer back and what it threw', async () => {
  const call = aCall();
  assert.equal(await run(call, () => Promise.resolve(7)), 7);
  const error = new Error('no');
  await assert.rejects(
    run(call, () => Promise.reject(error)),
    error,
  );
  call.stop();
});

test('a time-out aborts the call', async () => {
  const call = aCall();
  let given: AbortSignal | undefined;
  const action = (signal: AbortSignal): Promise<never> => {
    given = signal;
    return new Promise(() => undefined);
  };
  await assert.rejects(run(call, action, 5), { code: 'call_timeout', retryable: true });
  assert.equal(given?.aborted, true);
  call.stop();
});

test('a stream has a limit to its first piece and another between pieces', async () => {
  const call = aCall();
  let seen = '';
  const read = async (
    open: (signal: AbortSignal) => AsyncIterable<string>,
    firstMillis: number,
    gapMillis: number,
  ): Promise<void> => {
    for await (const piece of call.stream(open, { signal: never(), firstMillis, gapMillis })) seen += piece;
  };
  await assert.rejects(
    read((signal) => silentAfter('begun', signal), LONG, 5),
    { code: 'call_timeout' },
  );
  assert.equal(seen, 'begun');
  const mute = async function* (signal: AbortSignal): AsyncGenerator<string, void> {
    yield await untilAborted(signal);
  };
  await assert.rejects(read(mute, 5, LONG), { code: 'call_timeout' });
  call.stop();
});

test('time that the reader takes is not the far side’s', async () => {
  const call = aCall();
  let text = '';
  const limits = { signal: never(), firstMillis: 20, gapMillis: 20 };
  for await (const piece of call.stream(() => pieces('a', 'b'), limits)) {
    text += piece;
    const began = performance.now();
    await until('the reader took longer than the limit', () => performance.now() - began > 60);
  }
  assert.equal(text, 'ab');
  call.stop();
});

test('the breaker opens after five failures, and not before', async () => {
  const states: BreakerState[] = [];
  const call = aCall({ openMillis: LONG, onState: (state) => states.push(state) });
  await failTimes(call, CALLS_BEFORE_OPENING - 1, new Error('gone'));
  assert.equal(call.state, 'closed');
  await failTimes(call, 1, new Error('gone'));
  assert.equal(call.state, 'open');
  assert.deepEqual(states, ['open']);
  let called = false;
  const action = (): Promise<void> => {
    called = true;
    return Promise.resolve();
  };
  await assert.rejects(run(call, action), { code: 'breaker_open', retryable: true });
  assert.equal(called, false, 'an open breaker makes no call');
  call.stop();
});

test('what the far side refuses does not open the breaker', async () => {
  const refusal = new StenoError('engine_failed', 'bad request');
  const call = aCall({ isFailure: (error) => error !== refusal });
  await failTimes(call, 3 * CALLS_BEFORE_OPENING, refusal);
  assert.equal(call.state, 'closed');
  call.stop();
});

test('an answer that nobody wanted any more does not open the breaker, a silent one does', async () => {
  for (const [reason, state] of [
    [new StenoError('cancelled', 'not wanted'), 'closed'],
    [new StenoError('timeout', 'silent'), 'open'],
  ] as const) {
    const call = aCall({ openMillis: LONG });
    for (let count = 0; count < CALLS_BEFORE_OPENING; count += 1) {
      const abort = new AbortController();
      const limits = { signal: abort.signal, firstMillis: LONG, gapMillis: LONG };
      await assert.rejects(async () => {
        for await (const _piece of call.stream((signal) => silentAfter('a', signal), limits))
          abort.abort(reason);
      }, reason);
    }
    assert.equal(call.state, state);
    call.stop();
  }
});

test('a stream that is cut failed, one read to its last piece succeeded, one that was left did neither', async () => {
  const metrics = createMetrics('test');
  const call = createExternalCalls(metrics).open({ name: 'some-model' });
  const limits = { signal: never(), firstMillis: LONG, gapMillis: LONG };
  const cut = async function* (): AsyncGenerator<string, void> {
    yield await Promise.resolve('half');
    throw new Error('cut');
  };
  await assert.rejects(async () => {
    for await (const _piece of call.stream(cut, limits));
  }, /cut/);
  const options = { ...limits, isLast: (text: string) => text === 'end' };
  for await (const piece of call.stream(() => pieces('a', 'end', 'never'), options)) {
    if (piece === 'end') break;
  }
  for await (const _piece of call.stream(() => pieces('a', 'b'), limits)) break;
  const text = await metrics.render();
  for (const outcome of ['failed', 'ok', 'aborted']) {
    const line = new RegExp(
      `^steno_external_calls_total{target="some-model",outcome="${outcome}".*} 1$`,
      'm',
    );
    assert.match(text, line);
  }
  assert.match(text, /^steno_external_call_seconds_count{.*target="some-model".*} 3$/m);
  assert.match(text, /^steno_external_call_breaker_state{target="some-model".*} 0$/m);
  call.stop();
});

test('an open breaker closes by itself once the call that it asks for succeeds', async () => {
  let isWell = false;
  const states: BreakerState[] = [];
  const call: ExternalCall = aCall({
    openMillis: 20,
    onState(state) {
      states.push(state);
      if (state !== 'half_open') return;
      const probe = (): Promise<void> => (isWell ? Promise.resolve() : Promise.reject(new Error('gone')));
      run(call, probe).catch(() => undefined);
    },
  });
  await failTimes(call, CALLS_BEFORE_OPENING, new Error('gone'));
  await until('it tried in vain', () => states.length >= 3);
  assert.deepEqual(states.slice(0, 3), ['open', 'half_open', 'open']);
  isWell = true;
  await until('it closed', () => call.state === 'closed');
  assert.deepEqual(states.slice(-2), ['half_open', 'closed']);
  call.stop();
});

test('while one call tries, the others still fail at once', async () => {
  const tries = Promise.withResolvers<number>();
  const call = aCall({ openMillis: 20 });
  await failTimes(call, CALLS_BEFORE_OPENING, new Error('gone'));
  await until('one may try', () => call.state === 'half_open');
  const first = run(call, () => tries.promise);
  await assert.rejects(
    run(call, () => Promise.resolve(2)),
    { code: 'breaker_open' },
  );
  tries.resolve(1);
  assert.equal(await first, 1);
  assert.equal(call.state, 'closed');
  call.stop();
});

test('an aborted try proves nothing: the breaker opens again', async () => {
  const states: BreakerState[] = [];
  const call = aCall({ openMillis: 20, onState: (state) => states.push(state) });
  await failTimes(call, CALLS_BEFORE_OPENING, new Error('gone'));
  await until('one may try', () => call.state === 'half_open');
  const abort = new AbortController();
  const reason = new StenoError('cancelled', 'not wanted');
  const waiting = call.run(untilAborted, { signal: abort.signal, millis: LONG });
  abort.abort(reason);
  await assert.rejects(waiting, reason);
  await until('it opened again', () => states.length >= 3);
  assert.deepEqual(states.slice(0, 3), ['open', 'half_open', 'open']);
  call.stop();
});
