import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { foldAll } from '../../../projections/conversations/fold.ts';
import { decodeLog, type RecordedLog } from '../../support/recorded-log.ts';

/** The log is for ever: the newest code folds every log that an earlier version wrote, to the same turns. */

const folder = new URL('../../fixtures/logs/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.json'));

test('there is at least one recorded log', () => {
  assert.ok(files.length >= 1);
});

for (const file of files) {
  // Written by test/fixtures/record-log.ts and never edited.
  const log = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as RecordedLog;

  test(`issue ${log.issue}, ${log.title}: every record decodes and folds to the turns of its time`, () => {
    const folded = [...foldAll(decodeLog(log)).turns.values()].flatMap((turn) =>
      turn === null ? [] : [turn],
    );
    const turns = folded.map(({ messageId, status, answer }) => ({
      messageId,
      status,
      answerHash: hash('sha256', answer?.text ?? '', 'hex'),
    }));
    assert.deepEqual(turns, log.turns);
    assert.ok(turns.length > 0);
  });
}
