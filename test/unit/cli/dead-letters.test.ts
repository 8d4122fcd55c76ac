import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutText } from '../../../cli/dead-letters/original-event.ts';
import { hexLine, renderList } from '../../../cli/dead-letters/render-letter.ts';
import type { FoundLetter } from '../../../cli/dead-letters/read-letters.ts';

const letter: FoundLetter = {
  ...{ id: 'evt_1', topic: 'steno.turns.v1', partition: 3, offset: 17, timestamp: 0, group: 'workers' },
  ...{ errorClass: 'CodecError', errorCode: 'malformed_record', attempts: 1, firstFailedAt: 0 },
  ...{ schemaId: -1, key: 'convx', bytes: 3, originalHeaders: [], setAsideAt: 0, redrivenAt: null },
  lies: { topic: 'steno.dead-letters.v1', partition: 0, offset: 0 },
};

test('without being asked for content an event shows names and numbers, and no words', () => {
  const event = {
    ...{ conversationId: 'conv-1', seq: 3, isNew: true, parentId: null, title: 'my secret' },
    parts: [{ type: 'text', text: { text: 'my secret', sealed: Buffer.from('my secret'), keyId: 'key-1' } }],
    ...{ metadata: { userId: 'my secret' }, stop: ['my secret'], producer: { service: 'gateway' } },
  };
  const shown = withoutText(event, null);
  assert.ok(!JSON.stringify(shown).includes('my secret'));
  assert.deepEqual(shown, {
    ...{ conversationId: 'conv-1', seq: 3, isNew: true, parentId: null, title: '(9 characters)' },
    parts: [{ type: 'text', text: { text: '(9 characters)', sealed: '(9 bytes)', keyId: 'key-1' } }],
    ...{ metadata: '(left out)', stop: ['(9 characters)'], producer: { service: 'gateway' } },
  });
});

test('without being asked for content the bytes end behind the schema id', () => {
  const value = Buffer.from([0, 0, 0, 0, 9, 0x73, 0x65]);
  assert.equal(hexLine(value, false), '0000000009');
  assert.equal(hexLine(value, true), '00000000097365');
});

test('a list ends with how many there are', () => {
  const line = 'evt_1  1970-01-01T00:00:00.000Z  steno.turns.v1/3@17  workers  malformed_record  1 attempt';
  assert.equal(renderList([letter], 1, 1), `${line}\n1 dead letter`);
  assert.equal(
    renderList([{ ...letter, redrivenAt: 1_000 }], 2, 5),
    `${line}  redriven 1970-01-01T00:00:01.000Z\n5 dead letters, 2 that fit, the newest 1 shown`,
  );
  assert.equal(renderList([], 0, 0), 'no dead letters');
});
