/** Bytes of a bare delta: the number of its turn, its seq, and text of the length of a word. */
const TEXT = Buffer.from(' bare');

/** A question of the bare path: the number of its turn, and how far apart its deltas come. */
export function writeQuestion(turn: number, paceMs: number): Buffer {
  const value = Buffer.allocUnsafe(6);
  value.writeUInt32BE(turn);
  value.writeUInt16BE(paceMs, 4);
  return value;
}

export function readQuestion(value: Buffer): { readonly turn: number; readonly paceMs: number } {
  return { turn: value.readUInt32BE(0), paceMs: value.readUInt16BE(4) };
}

export function writeDelta(turn: number, seq: number): Buffer {
  const value = Buffer.allocUnsafe(5 + TEXT.length);
  value.writeUInt32BE(turn);
  value.writeUInt8(seq, 4);
  TEXT.copy(value, 5);
  return value;
}

/** Null for bytes that no stage wrote. */
export function readDelta(value: Buffer): { readonly turn: number; readonly seq: number } | null {
  if (value.length !== 5 + TEXT.length || !value.subarray(5).equals(TEXT)) return null;
  return { turn: value.readUInt32BE(0), seq: value.readUInt8(4) };
}
