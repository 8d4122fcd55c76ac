import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { explainFailure } from '../../../infra/kafka/process/explain-failure.ts';

describe('a failed start is explained by', () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'steno-'));
  });
  after(() => rm(home, { recursive: true }));

  let from = 0;

  /** Explains a failure whose log held these lines. */
  async function explain(...lines: readonly string[]): Promise<{ code: string; message: string }> {
    const logFile = join(home, 'broker.log');
    await writeFile(logFile, lines.join('\n'));
    const logFiles = [
      { path: logFile, from },
      { path: join(home, 'never-written.log'), from: 0 },
    ];
    const { code, message } = await explainFailure({
      name: 'broker',
      host: '127.0.0.1',
      home,
      what: 'ended with code 1',
      logFiles,
    });
    return { code, message };
  }

  it('the port that is taken', async () => {
    const expected = { code: 'port_in_use', message: 'Port 9092 on 127.0.0.1 is already in use.' };
    assert.deepEqual(
      await explain('ERROR Socket server failed to bind to 127.0.0.1:9092: Address already in use.'),
      expected,
    );
    assert.deepEqual(await explain('ERROR Port 9092 seems to be used by another process'), expected);
  });

  it('the full disk', async () => {
    assert.equal(
      (await explain('java.io.IOException: No space left on device', 'ERROR Exiting')).code,
      'disk_full',
    );
  });

  it('the directory that another process holds', async () => {
    const line =
      'Failed to acquire lock on file .lock in /d. A Kafka instance in another process is using this directory.';
    assert.equal((await explain(line)).code, 'data_dir_in_use');
  });

  it('the last line that names an error, not the frames and goodbyes after it', async () => {
    const failure = await explain(
      'INFO starting',
      'FATAL bad option x',
      '\tat kafka.Kafka.Exception(Kafka.java)',
      'INFO bye',
    );
    assert.deepEqual(failure, {
      code: 'broker_failed',
      message: 'The broker ended with code 1: FATAL bad option x',
    });
  });

  it('the last cause that says something', async () => {
    const failure = await explain(
      'ERROR start failed',
      'Caused by: x.StoreException: file corrupt',
      'Caused by: java.io.EOFException',
    );
    assert.equal(failure.message, 'The broker ended with code 1: Caused by: x.StoreException: file corrupt');
  });

  it('nothing that an earlier start logged', async () => {
    from = 'FATAL of yesterday\n'.length;
    assert.equal(
      (await explain('FATAL of yesterday', 'INFO new')).message,
      'The broker ended with code 1: INFO new',
    );
    from = 1000;
    assert.match((await explain('FATAL after the log was rolled')).message, /rolled/);
    from = 0;
  });

  it('its exit alone when the log is empty', async () => {
    assert.equal((await explain('')).message, 'The broker ended with code 1');
  });
});
