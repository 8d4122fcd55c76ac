import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Silence } from '../../../inference-workers/silence.ts';

type Watch = {
  readonly silence: Silence;
  readonly pass: (millis: number) => void;
  readonly alarms: () => number;
};

/** A watch on a clock that only the test moves. */
function watch(t: TestContext, firstMillis: number, gapMillis: number): Watch {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 1_000;
  t.mock.method(performance, 'now', () => now);
  let alarms = 0;
  const silence = new Silence(firstMillis, gapMillis, () => (alarms += 1));
  return {
    silence,
    alarms: () => alarms,
    pass(millis) {
      // Timers and clock move together, a millisecond at a time.
      for (let passed = 0; passed < millis; passed += 1) {
        now += 1;
        t.mock.timers.tick(1);
      }
    },
  };
}

test('no first token in time is silence, told once', (t) => {
  const { pass, alarms } = watch(t, 300, 50);
  pass(299);
  assert.equal(alarms(), 0);
  pass(1);
  assert.equal(alarms(), 1);
  pass(1_000);
  assert.equal(alarms(), 1);
});

test('after the first token the limit between tokens holds, shorter or longer', (t) => {
  const short = watch(t, 300, 50);
  short.pass(10);
  short.silence.broken();
  short.pass(49);
  assert.equal(short.alarms(), 0);
  short.pass(1);
  assert.equal(short.alarms(), 1);
  t.mock.reset();

  const long = watch(t, 50, 300);
  long.pass(10);
  long.silence.broken();
  long.pass(299);
  assert.equal(long.alarms(), 0);
  long.pass(1);
  assert.equal(long.alarms(), 1);
});

test('tokens keep it quiet as long as they come', (t) => {
  const { silence, pass, alarms } = watch(t, 100, 100);
  for (let token = 0; token < 20; token += 1) {
    pass(99);
    silence.broken();
  }
  assert.equal(alarms(), 0);
  pass(100);
  assert.equal(alarms(), 1);
});

test('nobody is told of a silence after the end', (t) => {
  const { silence, pass, alarms } = watch(t, 100, 100);
  pass(50);
  silence.broken();
  silence.stop();
  pass(1_000);
  assert.equal(alarms(), 0);
});
