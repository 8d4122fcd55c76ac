import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { builtSample, recordedSamples, type RecordedLog } from '../../../cli/event-samples.ts';
import { createCodec } from '../../../schemas/codec.ts';
import type { EventMap, EventType } from '../../../schemas/generated/types.ts';
import { loadSchemas } from '../../../schemas/sources.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const { types, events } = loadSchemas(root);

describe('samples of the documentation', () => {
  for (const event of events) {
    // Schemas are named after the types that are generated from them.
    const name = event.name as EventType;
    test(`the built sample of ${name} is one that can be appended`, () => {
      const sample = builtSample(event, types) as EventMap[EventType];
      assert.ok(createCodec(new Map([[name, 1]])).encode(name, sample).length > 5);
    });
  }

  test('a recorded event is preferred, in the shape of the newest schema', () => {
    const text = readFileSync(`${root}/test/fixtures/logs/3.json`, 'utf8');
    const samples = recordedSamples([JSON.parse(text) as RecordedLog]);
    const message = samples.get('MessageSubmitted') as Record<string, unknown>;
    const schema = events.find(({ name }) => name === 'MessageSubmitted');
    assert.deepEqual(
      Object.keys(message),
      schema?.fields.map(({ name }) => name),
    );
  });
});
