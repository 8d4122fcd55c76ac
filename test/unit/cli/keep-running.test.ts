import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keepRunning, type KeptRole } from '../../../cli/up/roles/keep-running.ts';
import type { RoleProcess, RoleStart } from '../../../cli/up/roles/role-process.ts';
import type { Failure } from '../../../cli/up/roles/log-line.ts';
import type { Exit } from '../../../infra/kafka/process/service.ts';

/** Runs that end when the test says so. Their process id is this process's, which has a start time to read. */
type FakeRun = {
  readonly lastAddress: string | null;
  readonly ready: (address: string) => void;
  readonly end: (exit: Exit) => void;
};

function keepFake(failure: Failure | null = null): {
  role: KeptRole;
  nextRun: () => Promise<FakeRun>;
  said: string[];
  lost: number[];
} {
  const runs: FakeRun[] = [];
  const waiting: ((run: FakeRun) => void)[] = [];
  const said: string[] = [];
  const lost: number[] = [];
  const start = (onReady: RoleStart['onReady'], lastAddress: string | null): RoleProcess => {
    const exited = Promise.withResolvers<Exit>();
    const run: FakeRun = {
      lastAddress,
      ready: (address) => onReady({ address, health: address }),
      end: (exit) => exited.resolve(exit),
    };
    const next = waiting.shift();
    if (next === undefined) runs.push(run);
    else next(run);
    return {
      pid: process.pid,
      exited: exited.promise,
      stop: async () => run.end({ code: 0, signal: null }),
      kill: () => run.end({ code: null, signal: 'SIGKILL' }),
    };
  };
  const role = keepRunning({
    name: 'gateway',
    log: { path: '/data/logs/gateway.log', takeFailure: () => failure },
    start,
    say: (text) => said.push(text),
    onChange: () => undefined,
    onLost: (pid) => lost.push(pid),
  });
  const nextRun = (): Promise<FakeRun> => {
    const run = runs.shift();
    return run === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(run);
  };
  return { role, nextRun, said, lost };
}

describe('a role that is kept running', () => {
  test('is ready when it says so, and is stopped', async () => {
    const { role, nextRun } = keepFake();
    (await nextRun()).ready('http://127.0.0.1:8080');
    await role.ready;
    assert.equal(role.state().state, 'ready');
    await role.stop();
    assert.deepEqual([role.state().state, role.state().process], ['stopped', null]);
  });

  test('is started again where it was, and its dead process is reported', async () => {
    const { role, nextRun, said, lost } = keepFake();
    const first = await nextRun();
    assert.equal(first.lastAddress, null);
    first.ready('http://127.0.0.1:4711');
    first.end({ code: null, signal: 'SIGKILL' });
    const second = await nextRun();
    assert.equal(second.lastAddress, 'http://127.0.0.1:4711');
    assert.deepEqual(lost, [process.pid]);
    assert.deepEqual(said, ['gateway ended (SIGKILL) and is started again']);
    assert.equal(role.state().restarts, 1);
    await role.stop();
  });

  test('names its log when it ends again and again', async () => {
    const { role, nextRun, said } = keepFake();
    (await nextRun()).ready('http://127.0.0.1:1');
    role.kill();
    for (let runs = 0; runs < 3; runs += 1) (await nextRun()).end({ code: 1, signal: null });
    await nextRun();
    assert.equal(said.at(-1), 'gateway ended 4 times in a row: read /data/logs/gateway.log');
    await role.stop();
  });

  test('is not started again when its first start fails; the reason is that of its log', async () => {
    const { role, nextRun } = keepFake({ code: 'bad_keys', reason: 'no file', fix: 'make it' });
    (await nextRun()).end({ code: 1, signal: null });
    await assert.rejects(role.ready, {
      code: 'bad_keys',
      message: 'the gateway did not start: no file',
      fix: 'make it',
    });
    assert.equal(role.state().state, 'stopped');
  });

  test('says how it ended when its log tells nothing', async () => {
    const { role, nextRun } = keepFake();
    (await nextRun()).end({ code: 7, signal: null });
    await assert.rejects(role.ready, { code: 'role_failed', fix: 'read /data/logs/gateway.log' });
  });
});
