import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../../../bench/support/bench.ts';
import { pageText, reportText } from '../../../bench/support/report.ts';

const host = {
  cores: 2,
  processor: 'a processor',
  memoryGb: 8,
  loadBefore: 0.25,
  node: '24.0.0',
  commit: 'abc1234',
};
const outcome: Outcome = {
  figures: [
    {
      what: 'turns',
      unit: 'turns/s',
      ours: { median: 1_600, min: 1_500.4, max: 1_700 },
      limit: { name: 'bare', value: { median: 3_200, min: 3_200, max: 3_200 } },
      targets: [
        { level: 'must', text: '>= 1,500', met: true },
        { level: 'moonshot', text: '>= 4,000', met: false },
      ],
    },
  ],
  notes: ['a note'],
};

test('a report shows our figure, the limit, the ratio and whether targets are met', () => {
  const text = reportText('turns', host, outcome);
  assert.match(text, /turns: 1,600 turns\/s \(1,500 to 1,700\)/);
  assert.match(text, /bare: 3,200 turns\/s {3}ratio 0\.5/);
  assert.match(text, /must >= 1,500: met/);
  assert.match(text, /moonshot >= 4,000: NOT MET/);
});

test('a page has a row for each target', () => {
  const page = pageText('turns', '2026-01-02', host, outcome);
  const start =
    '| 2026-01-02 | abc1234 | turns | 1,600 turns/s (1,500 to 1,700) | bare: 3,200 turns/s | 0.5 |';
  assert.ok(page.includes(`${start} must: >= 1,500 | yes |`));
  assert.ok(page.includes(`${start} moonshot: >= 4,000 | no |`));
});
