import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deadLetter, readDeadLetter } from '../../../streams/dead-letters.ts';
import { sortOutRedriven } from '../../../streams/kafka/sort-out-redriven.ts';
import { encodeBatch } from '../../../streams/kafka/wire/produce.ts';
import { readBatches } from '../../../streams/kafka/wire/record-batch.ts';
import type { NewRecord, RawRecord } from '../../../streams/log.ts';
import { markedAsRedriven, redrive, redriveMark } from '../../../streams/redrive.ts';

const original: RawRecord = {
  ...{ topic: 'requests', partition: 2, offset: 17, timestamp: 1_700_000_000_000 },
  key: Buffer.from('conv-1'),
  value: Buffer.from([0, 0, 0, 0, 9, 1, 2]),
  headers: [
    ['ce_type', Buffer.from('steno.events.InferenceRequested')],
    ['steno_inference_id', Buffer.from('inf-1')],
  ],
};
const reason = {
  ...{ group: 'workers', errorClass: 'CodecError', errorCode: 'unknown_schema_id' },
  ...{ attempts: 1, firstFailedAt: 1_700_000_000_001 },
};

/** The record as a reader finds it, through the bytes of a batch. */
function appended(records: readonly NewRecord[], offset: number): readonly RawRecord[] {
  const [first] = records;
  assert.ok(first !== undefined);
  const { topic, partition } = first;
  const { bytes } = encodeBatch({ topic, partition, records, sequence: 0 }, { id: 1n, epoch: 0 }, 0);
  bytes.writeBigInt64BE(BigInt(offset), 0);
  return readBatches(topic, partition, bytes, offset).records;
}

function setAside(record: RawRecord): { readonly letter: RawRecord; readonly id: string } {
  const [letter] = appended([deadLetter(record, reason, 'dead-letters', 6)], 3);
  assert.ok(letter !== undefined);
  return { letter, id: readDeadLetter(letter)?.id ?? '' };
}

function given(letterRecord: RawRecord): NewRecord {
  const letter = readDeadLetter(letterRecord);
  assert.ok(letter !== null);
  return redrive(letter, Buffer.from(letterRecord.value ?? []));
}

describe('a dead letter', () => {
  test('says where the original lay and why it is here', () => {
    const { letter } = setAside(original);
    const { id, lies, originalHeaders, ...rest } = readDeadLetter(letter) ?? {};
    assert.match(String(id), /^evt_/);
    assert.deepEqual(lies, { topic: 'dead-letters', partition: letter.partition, offset: 3 });
    assert.deepEqual(originalHeaders, original.headers);
    assert.deepEqual(rest, {
      ...reason,
      ...{ topic: 'requests', partition: 2, offset: 17, timestamp: original.timestamp },
      ...{ schemaId: 9, key: 'conv-1', bytes: 7, setAsideAt: letter.timestamp },
    });
    assert.equal(readDeadLetter(original), null);
  });

  test('is given again as it was, on its partition, with its group in the first header', () => {
    const { letter, id } = setAside(original);
    const { headers, ...record } = given(letter);
    assert.deepEqual(record, { topic: 'requests', partition: 2, key: 'conv-1', value: original.value });
    assert.deepEqual(
      [...(headers ?? [])].map(([name, content]) => [name, String(content)]),
      [
        ['redrive_group', 'workers'],
        ['redrive_of', id],
        ...original.headers.map(([name, content]) => [name, String(content)]),
      ],
    );
  });

  test('that was given again and set aside again is given as it was at first', () => {
    const [again] = appended([given(setAside(original).letter)], 18);
    assert.ok(again !== undefined);
    const second = setAside(again);
    assert.notEqual(second.id, setAside(original).id);
    assert.equal(String(given(second.letter).headers?.get('redrive_of')), second.id);
    assert.equal(given(second.letter).headers?.size, original.headers.length + 2);
  });

  test('is marked by a record that is no dead letter', () => {
    const { letter, id } = setAside(original);
    const found = readDeadLetter(letter);
    assert.ok(found !== null);
    const [mark] = appended([redriveMark(found)], 4);
    assert.ok(mark !== undefined);
    assert.deepEqual([markedAsRedriven(mark), readDeadLetter(mark)], [id, null]);
    assert.equal(markedAsRedriven(letter), null);
  });
});

describe('a record that is given again', () => {
  const plain: NewRecord = { topic: 'requests', partition: 2, key: 'conv-1', value: Buffer.from('x') };
  const headed: NewRecord = { ...plain, headers: new Map([['redrive_grouq', 'workers']]) };
  const records = appended([plain, given(setAside(original).letter), headed], 20);
  const offsets = (found: readonly RawRecord[]): readonly number[] => found.map(({ offset }) => offset);

  test('is read by its group, which is told', () => {
    const seen = sortOutRedriven(records, (group) => group === 'workers');
    assert.deepEqual([offsets(seen.records), seen.redriven], [[20, 21, 22], [21]]);
  });

  test('is passed over by every other group and by who reads without one', () => {
    for (const sees of [(group: string) => group === 'others', undefined]) {
      const seen = sortOutRedriven(records, sees);
      assert.deepEqual([offsets(seen.records), seen.redriven], [[20, 22], []]);
    }
  });

  test('is known whoever made the batch', () => {
    const copies = records.map((record) => ({ ...record, offset: record.offset, headers: record.headers }));
    assert.deepEqual(offsets(sortOutRedriven(copies, undefined).records), [20, 22]);
  });

  test('costs the others nothing: the same list comes back', () => {
    const [first] = records;
    assert.ok(first !== undefined);
    const list = [first];
    assert.equal(sortOutRedriven(list, undefined).records, list);
  });
});
