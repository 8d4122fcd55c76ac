import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { explain } from '../../../replay/explain/explain.ts';
import { decodeLog, type RecordedLog } from '../../support/recorded-log.ts';

/** Prompts of every version so far are made again by this one, from nothing but the log, and are what they were. */

const LOGS = new URL('../../fixtures/logs/', import.meta.url);
const settings = { maxCharacters: null, ttlMillis: null };

for (const file of readdirSync(LOGS).sort()) {
  test(`every prompt of logs/${file} is the one that was recorded`, () => {
    // Written by test/fixtures/record-log.ts and never edited.
    const events = decodeLog(JSON.parse(readFileSync(new URL(file, LOGS), 'utf8')) as RecordedLog);
    let compared = 0;
    for (const event of events) {
      if (event.type !== 'InferenceCompleted') continue;
      const { inferenceId, conversationId } = event.data;
      const conversation = events.filter(
        ({ data }) => 'conversationId' in data && data.conversationId === conversationId,
      );
      const evidence = { inferenceId, conversation, turns: [], stream: [], scores: [] };
      assert.deepEqual(explain(evidence, settings).prompt.verdict, { type: 'same' }, inferenceId);
      compared += 1;
    }
    assert.ok(compared >= 3, `${compared} answers`);
  });
}
