import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findTopic } from '../../../cli/tail/find-topic.ts';
import { recordJson, renderRecord } from '../../../cli/tail/render-record.ts';
import { parseStartAt } from '../../../cli/tail/start-at.ts';
import { fits, type TailRecord } from '../../../cli/tail/tail-record.ts';

const record: TailRecord = {
  ...{ partition: 3, offset: 17, time: '2026-01-31T12:00:00.000Z', key: 'conv-1', type: 'MessageSubmitted' },
  headers: { ce_type: 'steno.events.MessageSubmitted', steno_inference_id: 'inf-1' },
  data: {
    ...{ eventId: 'evt-1', conversationId: 'conv-1', inferenceId: 'inf-1', subjectId: null, isNew: true },
    parts: [{ type: 'text', text: { text: 'two\nlines\u009b2J', sealed: null, keyId: null }, media: null }],
    deltaBytes: [1, 2, 3, 4, 5, 6, 7, 8, 9],
  },
};
const broken: TailRecord = {
  ...{ ...record, type: null, data: null },
  error: { code: 'malformed_record', message: 'it is no event', bytes: 12 },
};

describe('a topic is found', () => {
  const find = (name: string) => findTopic(name, 'steno', ['small']).name;

  test('by dataset, by pool and tier, and by its full name', () => {
    assert.equal(find('conversations'), 'steno.conversations.v1');
    assert.equal(find('steno.turns.v1'), 'steno.turns.v1');
    assert.equal(find('inference-requests.small.batch'), 'steno.inference-requests.small.batch.v1');
    assert.equal(find('other.shadow.v2'), 'other.shadow.v2');
  });

  test('or the names there are are listed', () => {
    assert.throws(() => find('inference-requests'), /each pool and tier/);
    assert.throws(() => find('conversation'), { code: 'unknown_topic' });
  });
});

describe('where reading begins', () => {
  test('is an edge, an offset or a time', () => {
    assert.equal(parseStartAt('earliest'), 'earliest');
    assert.deepEqual(parseStartAt('42'), { offset: 42 });
    assert.deepEqual(parseStartAt('2026-01-31T12:00:00Z'), { at: Date.UTC(2026, 0, 31, 12) });
    for (const wrong of ['yesterday', '-1', '2026-13-01', ''])
      assert.throws(() => parseStartAt(wrong), wrong);
  });
});

describe('a record', () => {
  test('is one line: place, type, key, and what it says, without its envelope', () => {
    assert.equal(
      renderRecord(record),
      '2026-01-31 12:00:00.000  3@17       MessageSubmitted    conv-1  inferenceId=inf-1  isNew=true' +
        '  parts=["two\\nlines\\u009b2J"]  deltaBytes=(9 of them)',
    );
  });

  test('that cannot be decoded is shown with its error and size', () => {
    assert.match(
      renderRecord(broken),
      /3@17 +UNDECODABLE +conv-1 {2}12 bytes {2}malformed_record: "it is no event"/,
    );
  });

  test('is one JSON object with its bytes in base64', () => {
    const json = recordJson({ ...record, data: { sealed: Buffer.from('abc'), big: 7n } });
    assert.deepEqual(JSON.parse(json), { ...record, data: { sealed: 'YWJj', big: 7 } });
  });

  test('fits a filter by its data, and where it cannot be decoded by key and headers', () => {
    for (const found of [record, broken]) {
      assert.ok(fits(found, { conversation: 'conv-1', inference: 'inf-1', type: 'MessageSubmitted' }));
      assert.ok(!fits(found, { conversation: 'conv-2' }));
      assert.ok(!fits(found, { inference: 'inf-2' }));
      assert.ok(!fits(found, { type: 'InferenceFailed' }));
    }
  });
});
