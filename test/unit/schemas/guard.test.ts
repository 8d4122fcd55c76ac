import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CodecError } from '../../../schemas/codec-error.ts';
import { createCodec } from '../../../schemas/codec.ts';
import type { EventType } from '../../../schemas/generated/types.ts';
import { compileGuard } from '../../../schemas/guard.ts';
import type { AvroRecord, AvroType } from '../../../schemas/sources.ts';
import { eventTypes, goldenFiles, wire } from './golden-files.ts';

/** The full count: STENO_FUZZ_INPUTS=100000. */
const INPUTS = Number(process.env['STENO_FUZZ_INPUTS'] ?? 10_000);

const node: AvroRecord = {
  type: 'record',
  name: 'Node',
  namespace: 'test',
  doc: '',
  fields: [{ name: 'next', type: ['null', 'test.Node'], doc: '' }],
};
const empty: AvroRecord = { type: 'record', name: 'Empty', namespace: 'test', doc: '', fields: [] };

function recordOf(type: AvroType): AvroRecord {
  return {
    type: 'record',
    name: 'Bomb',
    namespace: 'test',
    doc: '',
    fields: [{ name: 'field', type, doc: '' }],
  };
}

/** Avro's zig-zag varint. */
function number(value: bigint): readonly number[] {
  let rest = value >= 0n ? value * 2n : -value * 2n - 1n;
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

const strings: AvroType = { type: 'array', items: 'string' };
const bombs: readonly (readonly [string, AvroType, readonly number[]])[] = [
  ['an array that claims 2^31 strings', strings, number(2n ** 31n)],
  ['an array that claims 2^62 strings', strings, number(2n ** 62n)],
  ['a block with a negative count', strings, [...number(-(2n ** 31n)), ...number(4n), 0]],
  ['a block with the most negative count', strings, [...number(-(2n ** 63n)), ...number(1n), 0]],
  ['2^31 items that take no bytes', { type: 'array', items: empty }, number(2n ** 31n)],
  ['2^31 nulls', { type: 'array', items: 'null' }, number(2n ** 31n)],
  [
    '2^31 items that take no bytes, by negative count',
    { type: 'array', items: 'null' },
    [...number(-(2n ** 31n)), 0, 0],
  ],
  ['a map of 2^31 entries', { type: 'map', values: 'int' }, number(2n ** 31n)],
  ['an array that never ends', strings, Array.from({ length: 2_000 }, () => [2, 0]).flat()],
  ['a union branch out of range', ['null', 'string'], number(2n)],
  ['a negative union branch', ['null', 'string'], number(-1n)],
  ['a string past the end', 'string', [...number(100n), 65]],
  ['a string of negative length', 'string', number(-5n)],
  ['a string of 2^62 bytes', 'string', number(2n ** 62n)],
  ['a number without end', 'long', Array.from({ length: 100 }, () => 255)],
  ['a truncated number', 'long', [128]],
  ['a truncated double', 'double', [1, 2, 3]],
  ['nothing at all', 'boolean', []],
  ['trailing bytes', 'boolean', [1, 1]],
  [
    'an enum symbol that is a long',
    { type: 'enum', name: 'E', namespace: 't', doc: '', symbols: ['A'], default: 'A' },
    [],
  ],
];

describe('the guard against bombs', () => {
  for (const [name, type, bytes] of bombs) {
    it(`refuses ${name}, quickly`, () => {
      const guard = compileGuard(recordOf(type));
      const started = performance.now();
      assert.throws(
        () => guard(Uint8Array.from(bytes), 0),
        (error) => error instanceof CodecError && error.code === 'malformed_record',
      );
      assert.ok(performance.now() - started < 1_000);
    });
  }

  it('refuses records nested so deep that reading them would overflow the stack', () => {
    const guard = compileGuard(node);
    const bytes = new Uint8Array(200_000).fill(2);
    bytes[bytes.length - 1] = 0;
    assert.throws(
      () => guard(bytes, 0),
      (error) => error instanceof CodecError,
    );
    assert.equal(guard(Uint8Array.from([2, 2, 2, 0]), 0), 4);
  });

  it('passes what is whole', () => {
    const guard = compileGuard(recordOf(strings));
    assert.equal(guard(Uint8Array.from([4, 2, 65, 2, 66, 0]), 0), 6);
    assert.equal(guard(Uint8Array.from([3, 8, 2, 65, 2, 66, 0]), 0), 7);
    assert.equal(guard(Uint8Array.from([0]), 0), 1);
  });
});

describe('decoding whatever comes', () => {
  const ids = new Map<EventType, number>(eventTypes.map((type, index) => [type, index + 1]));
  const codec = createCodec(ids);

  function decode(bytes: Uint8Array): void {
    try {
      codec.decode(bytes);
    } catch (error) {
      assert.ok(error instanceof CodecError, String(error));
    }
  }

  it('never does anything but decode or throw CodecError: random bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: ids.size }), fc.uint8Array({ maxLength: 400 }), (id, body) => {
        decode(wire(id, body));
      }),
      { numRuns: INPUTS },
    );
  });

  it('never does anything but decode or throw CodecError: golden bytes with some changed', () => {
    const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) });
    const file = fc.constantFrom(...goldenFiles);
    const changes = fc.array(change, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(file, changes, fc.nat({ max: 3 }), ({ type, hex }, list, cut) => {
        const body = Buffer.from(hex, 'hex');
        for (const { at, to } of list) body[at % body.length] = to;
        const started = performance.now();
        decode(wire(ids.get(type) ?? 0, body.subarray(0, body.length - cut)));
        assert.ok(performance.now() - started < 1_000);
      }),
      { numRuns: INPUTS },
    );
  });
});
