import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startHealthServer } from '../../../runtime/health-server.ts';
import type { RoleFacts } from '../../../runtime/lifecycle-messages.ts';
import { measureEventLoop } from '../../../runtime/lifecycle-metrics.ts';
import { createMetrics } from '../../../runtime/metrics.ts';

describe('the health server', () => {
  let address = '';
  let facts: RoleFacts = { phase: 'starting', ready: false, facts: {} };
  before(async () => {
    const metrics = createMetrics('test');
    measureEventLoop(metrics);
    address = await startHealthServer({ port: 0, read: () => facts, metrics });
  });

  test('is alive before it is ready', async () => {
    assert.equal((await fetch(`${address}/livez`)).status, 200);
    assert.equal((await fetch(`${address}/readyz`)).status, 503);
  });

  test('answers the facts when it is ready', async () => {
    facts = { phase: 'running', ready: true, facts: { lag: 3 } };
    const response = await fetch(`${address}/readyz`);
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), facts);
  });

  test('shows metrics, with how busy the event loop is', async () => {
    const text = await (await fetch(`${address}/metrics`)).text();
    assert.match(text, /^steno_event_loop_utilization_ratio\{role="test"\} [\d.e-]+$/m);
  });

  test('has nothing else', async () => {
    assert.equal((await fetch(`${address}/`)).status, 404);
    assert.equal((await fetch(`${address}/livez`, { method: 'POST' })).status, 405);
  });

  test('names the fix when its port is taken', async () => {
    const port = Number(new URL(address).port);
    await assert.rejects(startHealthServer({ port, read: () => facts, metrics: createMetrics('other') }), {
      code: 'port_in_use',
      fix: 'set STENO_HEALTH_PORT to a free port, or to 0',
    });
  });
});
