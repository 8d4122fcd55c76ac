import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, faultOf, nothingYet, type Tally } from '../../../../policies/routing/canary.ts';
import {
  isOnCanary,
  problemsOfRoutes,
  withoutCanary,
  type Canary,
} from '../../../../policies/routing/routes.ts';

const canary: Canary = { model: 'new', percent: 10, maxErrorRate: 0.1, maxFirstTokenMs: 1_000, minTurns: 20 };
type Turn = Parameters<typeof count>[2];
const good: Turn = { outcome: 'completed', model: 'new', answeredBy: 'new', firstDeltaMillis: 100 };
const failed: Turn = { ...good, outcome: 'failed', answeredBy: 'new' };
const handedOn: Turn = { ...good, answeredBy: 'old' };
const slow: Turn = { ...good, firstDeltaMillis: 1_001 };

function after(...turns: readonly Turn[]): Tally {
  return turns.reduce<Tally>((tally, turn) => count(tally, canary, turn), nothingYet);
}

test('it is taken back as soon as good turns could not save it', () => {
  assert.equal(faultOf(after(failed, failed), canary), null);
  assert.match(faultOf(after(failed, handedOn, failed), canary) ?? '', /^3 of 3 turns of new failed/);
});

test('what another model answered for counts as failed; what was stopped or refused says nothing', () => {
  assert.equal(after({ ...good, outcome: 'cancelled' }, { ...good, outcome: 'rejected' }).length, 0);
  assert.deepEqual(after(handedOn), [{ failed: true, firstTokenMs: null }]);
});

test('behind its first turns its share decides, over its latest turns', () => {
  const well = Array.from({ length: 100 }, () => good);
  assert.equal(faultOf(after(...well, ...Array.from({ length: 10 }, () => failed)), canary), null);
  assert.match(
    faultOf(after(...well, ...Array.from({ length: 11 }, () => failed)), canary) ?? '',
    /^11 of 100/,
  );
  assert.equal(after(...well, ...well).length, 100);
});

test('half of its turns keep to the time of their first token', () => {
  const turns = (count: number, turn: Turn): readonly Turn[] => Array.from({ length: count }, () => turn);
  assert.equal(faultOf(after(...turns(10, slow)), canary), null);
  assert.match(faultOf(after(...turns(11, slow)), canary) ?? '', /^11 of 11 turns of new had no token/);
  assert.equal(faultOf(after(...turns(11, slow)), { ...canary, maxFirstTokenMs: null }), null);
});

test('a share that grows keeps the conversations that it has', () => {
  const on = (percent: number): readonly number[] =>
    Array.from({ length: 100 }, (_, bucket) => bucket).filter((bucket) =>
      isOnCanary({ ...canary, percent }, bucket),
    );
  assert.equal(on(7).length, 7);
  assert.deepEqual(on(20).slice(0, 7), on(7));
  assert.equal(isOnCanary(null, 0), false);
});

test('routes name models of the catalogue, and a canary of another pool', () => {
  const models = [
    { id: 'old', pool: 'p' },
    { id: 'new', pool: 'q' },
    { id: 'twin', pool: 'p' },
  ];
  const rule = { model: 'old', instructions: null, canary };
  assert.deepEqual(problemsOfRoutes({ chat: rule }, models), []);
  const problems = problemsOfRoutes(
    {
      one: { ...rule, model: 'gone' },
      two: { ...rule, canary: { ...canary, model: 'gone' } },
      three: { ...rule, canary: { ...canary, model: 'twin' } },
    },
    models,
  );
  assert.deepEqual(
    problems.map((problem) => problem.split(':')[0]),
    ['routes.one.model', 'routes.two.canary.model', 'routes.three.canary.model'],
  );
  assert.deepEqual(withoutCanary({ chat: rule, other: rule }, 'chat'), {
    chat: { ...rule, canary: null },
    other: rule,
  });
});
