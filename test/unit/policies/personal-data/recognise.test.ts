import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { findPersonal, PERSONAL_KINDS, redact } from '../../../../policies/personal-data/recognise.ts';
import { qualityPage } from '../../../quality/quality-page.ts';
import { shareOf } from '../../../quality/score.ts';

const all = new Set(PERSONAL_KINDS);

test('what is found is named in its place, and what stands around it stays', () => {
  const text = 'Mail ann@example.org or call +1 415 555 0177; card 4242 4242 4242 4242.';
  assert.equal(redact(text, findPersonal(text, all)), 'Mail [email] or call [phone]; card [card].');
  assert.equal(
    redact(text, findPersonal(text, new Set(['card']))),
    text.replace('4242 4242 4242 4242', '[card]'),
  );
});

const piece = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom(
    'a@b.example',
    '+49 30 901820',
    '4111111111111111',
    'DE89370400440532013000',
    '203.0.113.7',
    '2001:db8::1',
  ),
  fc.constantFrom(' ', '.', ':', '@', '-', '0', '1', '(', 'sk-', 'token='),
);

test('findings lie in the text, in order and apart; a redacted text holds nothing more', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 15 }), (pieces) => {
      const text = pieces.join('');
      let last = 0;
      for (const { start, end } of findPersonal(text, all)) {
        assert.ok(start >= last && end > start && end <= text.length);
        last = end;
      }
    }),
    { numRuns: 500 },
  );
});

test('texts that are made to be slow are read to their end', () => {
  for (const unit of ['1 ', '1', 'a@', 'a.', '1.', ':', 'a:', '(1', 'a1 ', '-', 'eyJa.', 'DE12 ', "'", '0-'])
    assert.ok(Array.isArray(findPersonal(unit.repeat(50_000), all)));
});

test('the published figures are those of this code', () => {
  const page = readFileSync(new URL('../../../../docs/quality.md', import.meta.url), 'utf8');
  assert.equal(page, qualityPage(), 'run npm run quality -- --record');
});

test('the interval of a share is that of the literature', () => {
  const share = shareOf(81, 263);
  assert.ok(share !== null);
  // Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I: 81 of 263, Wilson.
  assert.deepEqual([share.low.toFixed(4), share.high.toFixed(4)], ['0.2553', '0.3662']);
  assert.equal(shareOf(0, 0), null);
});
