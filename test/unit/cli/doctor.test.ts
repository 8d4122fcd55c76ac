import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { check, ok, problem, renderFindings } from '../../../cli/doctor/finding.ts';
import { judgeClocks, judgeWorkers } from '../../../cli/doctor/roles.ts';
import { StenoError } from '../../../runtime/errors.ts';

const NOW = Date.UTC(2026, 0, 31);
const sample = (fields: { readonly age?: number; readonly off?: number } = {}) => ({
  ...{ workerId: 'w', model: 'tiny', time: NOW - (fields.age ?? 1_000) },
  occurredAt: NOW - (fields.age ?? 1_000) + (fields.off ?? 0),
});

describe('the doctor', () => {
  test('writes a line a check, and the fix behind a problem', async () => {
    const findings = await Promise.all([
      check('java', () => ok('17')),
      check('port', () => problem('8080 is taken', 'Set PORT')),
      check('broker', () => {
        throw new StenoError('broker_unreachable', 'no broker answers.', {
          fix: 'STENO_KAFKA_BROKERS is wrong',
        });
      }),
    ]);
    assert.equal(
      renderFindings(findings),
      `ok       java    17
problem  port    8080 is taken; set PORT
problem  broker  no broker answers; STENO_KAFKA_BROKERS is wrong

2 problems`,
    );
  });

  test('sees workers by the age of their samples', () => {
    assert.equal(judgeWorkers([sample()], NOW).status, 'ok');
    assert.equal(judgeWorkers([sample({ age: 40_000 })], NOW).status, 'problem');
    assert.equal(judgeWorkers([], NOW).status, 'problem');
    assert.equal(judgeWorkers(null, NOW).status, 'not run');
  });

  test('sees a clock that differs: of a worker, or of this machine', () => {
    assert.equal(judgeClocks([sample({ off: -200 })], NOW).status, 'ok');
    assert.match(judgeClocks([sample(), sample({ off: -5_000 })], NOW).detail, /worker w .* 5.00 s/);
    assert.match(judgeClocks([sample({ age: -9_000 })], NOW).detail, /broker's clock is 9.00 s ahead/);
    assert.equal(judgeClocks([], NOW).status, 'not run');
  });
});
