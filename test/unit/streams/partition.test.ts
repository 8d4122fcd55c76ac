import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { murmur2 } from '@platformatic/kafka';
import fc from 'fast-check';
import { partitionOf } from '../../../streams/partition.ts';

/** Apache Kafka, UtilsTest.testMurmur2. */
const vectors: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

describe('the partition of a key', () => {
  for (const [key, hash] of vectors) {
    it(`is Kafka's for ${key}`, () => {
      for (const count of [1, 6, 24, 2 ** 31 - 1])
        assert.equal(partitionOf(key, count), (hash & 0x7fffffff) % count);
    });
  }

  it("is that of the client library's partitioner for any key", () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (key) => {
        assert.equal(partitionOf(key, 24), (murmur2(Buffer.from(key)) & 0x7fffffff) % 24);
      }),
      { numRuns: 2_000 },
    );
  });
});
