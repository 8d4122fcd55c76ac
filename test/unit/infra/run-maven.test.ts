import assert from 'node:assert/strict';
import { test } from 'node:test';

import { downloadMeter, mavenComplaint } from '../../../infra/kafka/parts/run-maven.ts';

test('bytes of finished and running downloads are added up', () => {
  const read = downloadMeter();
  assert.equal(read('Downloading from central: https://example/a.jar\n'), 0);
  assert.equal(read('Progress (1): 0.5/2.0 MB\r'), 500_000);
  assert.equal(read('Progress (2): 1.5/2.0 MB | 4/8 kB\r'), 1_504_000);
  assert.equal(
    read('                \rDownloaded from central: https://example/a.jar (2.0 MB at 9 MB/s)\n'),
    2_000_000,
  );
  assert.equal(read('[INFO] BUILD SUCCESS\n'), 2_000_000);
});

test('the innermost reason of the first error line is told', () => {
  const output = [
    '[INFO] Scanning for projects...',
    '[ERROR] Plugin p could not be resolved: Could not transfer artifact p from central: Connection refused -> [Help 1]',
    '[ERROR] ',
  ].join('\n');
  assert.equal(mavenComplaint(output), 'Could not transfer artifact p from central: Connection refused');
});

test('an error line without a known beginning is told whole, and silence is told as nothing', () => {
  assert.equal(mavenComplaint('[ERROR] Unknown lifecycle phase "x".'), 'Unknown lifecycle phase "x".');
  assert.equal(mavenComplaint('[INFO] fine'), null);
});
