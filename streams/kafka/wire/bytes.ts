/** Bytes of the Kafka protocol: big-endian numbers, and varints in groups of seven bits. Source: Kafka protocol guide. */

const TWO_32 = 2 ** 32;
/** Up to this length a loop is faster than a call into native code. */
const SHORT = 100;

/** Bytes of a text in UTF-8. */
export function textSize(value: string): number {
  if (value.length > SHORT) return Buffer.byteLength(value);
  for (let index = 0; index < value.length; index += 1) {
    if (value.charCodeAt(index) > 127) return Buffer.byteLength(value);
  }
  return value.length;
}

/** Bytes of a number as an unsigned varint; 0 <= value < 2^53. */
export function uvarintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

/** Bytes of a number as a zigzag varint; |value| < 2^31. */
export function varintSize(value: number): number {
  return uvarintSize(value < 0 ? -2 * value - 1 : 2 * value);
}

/** Writes into a buffer that grows. */
export class ByteWriter {
  #bytes: Buffer;
  #at = 0;

  constructor(capacity = 1024) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#at;
  }

  /** What was written; the writer must not be used after it. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** What was written from `start` on, as it is now. */
  since(start: number): Buffer {
    return this.#bytes.subarray(start, this.#at);
  }

  int8(value: number): void {
    this.#room(1);
    this.#at = this.#bytes.writeInt8(value, this.#at);
  }

  int16(value: number): void {
    this.#room(2);
    this.#at = this.#bytes.writeInt16BE(value, this.#at);
  }

  int32(value: number): void {
    this.#room(4);
    this.#at = this.#bytes.writeInt32BE(value, this.#at);
  }

  /** |value| < 2^53. */
  int64(value: number): void {
    this.#room(8);
    this.#bytes.writeInt32BE(Math.floor(value / TWO_32), this.#at);
    this.#bytes.writeUInt32BE(((value % TWO_32) + TWO_32) % TWO_32, this.#at + 4);
    this.#at += 8;
  }

  bigint64(value: bigint): void {
    this.#room(8);
    this.#at = this.#bytes.writeBigInt64BE(value, this.#at);
  }

  /** 0 <= value < 2^32. */
  uvarint(value: number): void {
    this.#room(5);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#at] = (rest % 128) | 128;
      this.#at += 1;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at] = rest;
    this.#at += 1;
  }

  /** |value| < 2^31. */
  varint(value: number): void {
    this.uvarint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  bytes(value: Uint8Array): void {
    const { length } = value;
    this.#room(length);
    if (length > SHORT) this.#bytes.set(value, this.#at);
    else for (let index = 0; index < length; index += 1) this.#bytes[this.#at + index] = value[index] ?? 0;
    this.#at += length;
  }

  /** Text whose UTF-8 bytes are known to be so many. */
  text(value: string, byteLength: number): void {
    this.#room(byteLength);
    if (byteLength !== value.length) this.#bytes.write(value, this.#at, byteLength, 'utf8');
    else if (byteLength > SHORT) this.#bytes.write(value, this.#at, byteLength, 'latin1');
    else {
      for (let index = 0; index < byteLength; index += 1) {
        this.#bytes[this.#at + index] = value.charCodeAt(index);
      }
    }
    this.#at += byteLength;
  }

  /** COMPACT_STRING. */
  compactString(value: string): void {
    const length = textSize(value);
    this.uvarint(length + 1);
    this.text(value, length);
  }

  setInt32(at: number, value: number): void {
    this.#bytes.writeInt32BE(value, at);
  }

  setUint32(at: number, value: number): void {
    this.#bytes.writeUInt32BE(value, at);
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + size));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}

/** Reads from a buffer. Throws RangeError past its end. */
export class ByteReader {
  readonly buffer: Buffer;
  at: number;

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  get remaining(): number {
    return this.buffer.length - this.at;
  }

  skip(size: number): void {
    if (size < 0 || this.at + size > this.buffer.length) throw new RangeError('the bytes end too early');
    this.at += size;
  }

  int8(): number {
    const value = this.buffer.readInt8(this.at);
    this.at += 1;
    return value;
  }

  int16(): number {
    const value = this.buffer.readInt16BE(this.at);
    this.at += 2;
    return value;
  }

  int32(): number {
    const value = this.buffer.readInt32BE(this.at);
    this.at += 4;
    return value;
  }

  /** Exact below 2^53. */
  int64(): number {
    const value = this.buffer.readInt32BE(this.at) * TWO_32 + this.buffer.readUInt32BE(this.at + 4);
    this.at += 8;
    return value;
  }

  /** Exact below 2^53. */
  uvarint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10; count += 1) {
      const byte = this.buffer[this.at];
      if (byte === undefined) throw new RangeError('the bytes end too early');
      this.at += 1;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
    throw new RangeError('a varint is too long');
  }

  varint(): number {
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** The next bytes, not copied. */
  bytes(size: number): Buffer {
    const start = this.at;
    this.skip(size);
    return this.buffer.subarray(start, start + size);
  }

  /** Bytes one to one as characters: for ids that are only compared. */
  binary(size: number): string {
    const start = this.at;
    this.skip(size);
    return this.buffer.toString('latin1', start, start + size);
  }

  /** COMPACT_NULLABLE_STRING. */
  compactString(): string | null {
    const length = this.uvarint() - 1;
    if (length < 0) return null;
    const start = this.at;
    this.skip(length);
    return this.buffer.toString('utf8', start, start + length);
  }

  /** Entries of a COMPACT_ARRAY; 0 for null. */
  compactCount(): number {
    return Math.max(0, this.uvarint() - 1);
  }

  /** TAG_BUFFER: skipped. */
  tags(): void {
    const count = this.uvarint();
    for (let index = 0; index < count; index += 1) {
      this.uvarint();
      this.skip(this.uvarint());
    }
  }
}
