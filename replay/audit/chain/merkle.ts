import { hash } from 'node:crypto';
import type { RawRecord } from '../../../streams/log.ts';

/**
 * Merkle trees over records, as RFC 9162 (Certificate Transparency 2.0) section 2.1 has them, with SHA-256. A leaf is
 * everything that Kafka keeps of a record, each part behind its length.
 */

const LEAF = 0;
const NODE = 1;
const HASH_BYTES = 32;

/** Returns the hash of a record: 32 bytes. Topic, place, time, key, value and headers are in it. */
export function leafHash(record: RawRecord): Buffer {
  const topic = Buffer.from(record.topic);
  const { key, value, headers } = record;
  let size = 1 + 4 + topic.length + 4 + 8 + 8 + 4 + (key?.length ?? 0) + 4 + (value?.length ?? 0) + 4;
  const names = headers.map(([name]) => Buffer.from(name));
  for (const [index, [, bytes]] of headers.entries()) size += 8 + (names[index]?.length ?? 0) + bytes.length;
  const leaf = Buffer.allocUnsafe(size);
  let at = leaf.writeUInt8(LEAF);
  const write = (bytes: Buffer | null): void => {
    at = leaf.writeInt32BE(bytes?.length ?? -1, at);
    if (bytes !== null) at += bytes.copy(leaf, at);
  };
  write(topic);
  at = leaf.writeUInt32BE(record.partition, at);
  at = leaf.writeBigUInt64BE(BigInt(record.offset), at);
  at = leaf.writeBigUInt64BE(BigInt(record.timestamp), at);
  write(key);
  write(value);
  at = leaf.writeUInt32BE(headers.length, at);
  for (const [index, [, bytes]] of headers.entries()) {
    write(names[index] ?? null);
    write(bytes);
  }
  return hash('sha256', leaf, 'buffer');
}

/** A tree that grows leaf by leaf and keeps no leaves: as many hashes as its size has binary digits. */
export interface Tree {
  readonly size: number;
  add(leaf: Buffer): void;
  /** Of what was added so far. */
  root(): Buffer;
}

export function createTree(): Tree {
  const full: { readonly height: number; readonly hash: Buffer }[] = [];
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(leaf) {
      size += 1;
      let node = { height: 0, hash: leaf };
      for (let last = full.at(-1); last?.height === node.height; last = full.at(-1)) {
        full.pop();
        node = { height: node.height + 1, hash: nodeHash(last.hash, node.hash) };
      }
      full.push(node);
    },
    root() {
      const [last, ...before] = full.toReversed();
      if (last === undefined) return hash('sha256', '', 'buffer');
      return before.reduce((right, { hash: left }) => nodeHash(left, right), last.hash);
    },
  };
}

/** Returns the hashes that lead from one leaf to the root (RFC 9162 2.1.3.1), the lowest first. */
export function pathOf(leaves: readonly Buffer[], index: number): readonly Buffer[] {
  if (leaves.length <= 1) return [];
  const split = largestPowerBelow(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split
    ? [...pathOf(left, index), rootOf(right)]
    : [...pathOf(right, index - split), rootOf(left)];
}

/** Returns the root that a leaf and its path lead to (RFC 9162 2.1.3.2); null for a path of the wrong length. */
export function rootByPath(
  leaf: Buffer,
  index: number,
  size: number,
  path: readonly Buffer[],
): Buffer | null {
  if (index >= size) return null;
  let [at, last, found] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0 || sibling.length !== HASH_BYTES) return null;
    if (at % 2 === 1 || at === last) {
      found = nodeHash(sibling, found);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else found = nodeHash(found, sibling);
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 ? found : null;
}

function rootOf(leaves: readonly Buffer[]): Buffer {
  const tree = createTree();
  for (const leaf of leaves) tree.add(leaf);
  return tree.root();
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  const node = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  node.writeUInt8(NODE);
  left.copy(node, 1);
  right.copy(node, 1 + HASH_BYTES);
  return hash('sha256', node, 'buffer');
}

function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}
