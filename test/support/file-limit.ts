import { isMainThread, Worker } from 'node:worker_threads';

/**
 * Preloaded into every test process: kills it when its file takes longer than STENO_TEST_FILE_SECONDS.
 * It counts on a thread of its own, so a test that blocks the event loop, or leaves a timer behind, ends too.
 */
const seconds = Number(process.env['STENO_TEST_FILE_SECONDS']);
// What the test starts has limits of its own.
delete process.env['STENO_TEST_FILE_SECONDS'];

if (isMainThread && seconds > 0 && process.env['NODE_TEST_CONTEXT'] !== undefined) {
  const program = `
    const { writeSync } = require('node:fs');
    setTimeout(() => {
      writeSync(2, 'killed: the test file took longer than ${seconds} s\\n');
      process.kill(process.pid, 'SIGKILL');
    }, ${seconds * 1000});
  `;
  new Worker(program, { eval: true, execArgv: [], stdout: true, stderr: true }).unref();
}
