/** A value that nobody can decode, and what is wrong with it. */
export type PoisonKind = { readonly name: string; readonly value: Buffer };

/** Every kind of poison, made from the value of a good record. */
export function poisonKinds(good: Buffer): readonly PoisonKind[] {
  const head = good.subarray(0, 5);
  // Avro's variable-length 2^31 - 1: a string that long.
  const hugeLength = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f]);
  return [
    { name: 'another magic byte', value: Buffer.from('this is no Avro at all') },
    { name: 'a schema id that nobody knows', value: Buffer.from([0, 0x7f, 0xff, 0xff, 0xfe, 0x78]) },
    { name: 'an event cut in the middle', value: Buffer.from(good.subarray(0, good.length >> 1)) },
    { name: 'nothing', value: Buffer.alloc(0) },
    { name: 'a length of two thousand million', value: Buffer.concat([head, hugeLength, Buffer.from('x')]) },
  ];
}
