import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { renderStatus, statusExitCode, type Status } from '../../../cli/status/render-status.ts';

const running: Status = {
  state: 'ready',
  dataDir: '/data',
  model: 'tiny',
  startedAt: '2026-01-01T00:00:00.000Z',
  uptimeSeconds: 90,
  parts: [
    { name: 'kafka', address: '127.0.0.1:9092', isHealthy: true, detail: 'ready', facts: {} },
    {
      name: 'gateway',
      address: 'http://127.0.0.1:8080',
      isHealthy: true,
      detail: 'ready',
      facts: { restarts: 1, open: 2 },
    },
  ],
  lag: [{ group: 'steno-workers', topic: 'steno.requests.v1', records: 12 }],
  disk: [
    { topic: 'steno.conversations.v1', bytes: 1_234_567 },
    { topic: 'steno.turns.v1', bytes: 80 },
  ],
};
const nothing: Status = {
  ...{ state: 'not running', dataDir: '/data', model: null, startedAt: null, uptimeSeconds: null },
  ...{ parts: [], lag: [], disk: [] },
};

describe('the status', () => {
  test('shows every part, lag and disk in columns', () => {
    assert.equal(
      renderStatus(running),
      `steno      ready for 1 min 30 s
data       /data
model      tiny

  part     health  address                facts
  kafka    ok      127.0.0.1:9092
  gateway  ok      http://127.0.0.1:8080  restarts=1 open=2

Lag
  group          topic              records
  steno-workers  steno.requests.v1  12

Disk
  topic                   size
  steno.conversations.v1  1.2 MB
  steno.turns.v1          80 B`,
    );
    assert.equal(statusExitCode(running), 0);
  });

  test('says what is wrong with a part', () => {
    const [kafka] = running.parts;
    assert.ok(kafka !== undefined);
    const ill = { ...running, parts: [{ ...kafka, isHealthy: false, detail: 'connect ECONNREFUSED' }] };
    assert.match(renderStatus(ill), /kafka {2}NOT OK: connect ECONNREFUSED {2}127\.0\.0\.1:9092/);
    assert.equal(statusExitCode(ill), 1);
  });

  test('is 3 when nothing runs', () => {
    assert.equal(renderStatus(nothing), 'steno      not running\ndata       /data');
    assert.equal(statusExitCode(nothing), 3);
  });
});
