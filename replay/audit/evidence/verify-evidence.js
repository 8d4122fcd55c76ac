#!/usr/bin/env node
/**
 * Checks a bundle of evidence that `steno evidence` wrote. It needs Node 20 or later and nothing else, so that whoever gets
 * the bundle can read all that it trusts: node verify-evidence.js evidence.json [head.json]
 *
 * Of each record: its hash, with the path, leads to a root that a seal names (RFC 9162 2.1.3.2). Of each seal: the
 * signature is good, and it names the hash of the one before. With a head that was kept elsewhere, the seals lead to it,
 * and the key is the one that was kept with it.
 *
 * Exit status: 0 all is proved; 1 something is not, or not sealed yet; 2 wrong usage.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [bundleFile, headFile] = process.argv.slice(2);
if (bundleFile === undefined) {
  console.error('node verify-evidence.js evidence.json [head.json]');
  process.exit(2);
}
const bundle = JSON.parse(readFileSync(bundleFile, 'utf8'));
const head = headFile === undefined ? null : JSON.parse(readFileSync(headFile, 'utf8'));
const publicKey = createPublicKey(head?.public_key ?? bundle.public_key);
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
let failures = 0;
const say = (isGood, what) => {
  if (!isGood) failures += 1;
  console.log(`${isGood ? 'good' : 'BAD '}  ${what}`);
};

/** The bytes of a record: each part behind its length, as 4 bytes big-endian. */
function leafOf(record) {
  const part = (bytes) => (bytes === null ? number(-1, 4) : Buffer.concat([number(bytes.length, 4), bytes]));
  const decode = (text) => (text === null ? null : Buffer.from(text, 'base64'));
  return sha256(
    Buffer.from([0]),
    part(Buffer.from(record.topic)),
    number(record.partition, 4),
    number(record.offset, 8),
    number(record.timestamp, 8),
    part(decode(record.key)),
    part(decode(record.value)),
    number(record.headers.length, 4),
    ...record.headers.flatMap(([name, value]) => [part(Buffer.from(name)), part(decode(value))]),
  );
}

function number(value, bytes) {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 8) buffer.writeBigInt64BE(BigInt(value));
  else buffer.writeInt32BE(value);
  return buffer;
}

/** RFC 9162 2.1.3.2; null for a path of the wrong length. */
function rootOf(leaf, { index, size, path }) {
  const node = (left, right) => sha256(Buffer.from([1]), left, right);
  let [at, last, found] = [index, size - 1, leaf];
  for (const text of path) {
    const sibling = Buffer.from(text, 'hex');
    if (last === 0) return null;
    if (at % 2 === 1 || at === last) {
      found = node(sibling, found);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else found = node(found, sibling);
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 ? found.toString('hex') : null;
}

const seals = new Map();
let before = null;
for (const { text, signature } of bundle.seals) {
  const [, numberLine, previousLine] = text.split('\n');
  const sealNumber = Number(numberLine.slice('number '.length));
  say(
    verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64')),
    `signature of seal ${sealNumber}`,
  );
  if (before !== null)
    say(previousLine === `previous ${before}`, `seal ${sealNumber} follows the one before`);
  before = sha256(text).toString('hex');
  seals.set(sealNumber, { text, hash: before });
}
for (const record of bundle.records) {
  const { topic, partition, offset, proof, type } = record;
  const what = `${type} at ${topic} ${partition}@${offset}`;
  const text = proof === null ? '' : (seals.get(proof.seal)?.text ?? '');
  const root = proof === null ? null : rootOf(leafOf(record), proof);
  const range = text.split('\n').find((line) => {
    const [word, name, number_, from, to] = line.split(' ');
    return (
      word === 'range' &&
      name === topic &&
      Number(number_) === partition &&
      Number(from) <= offset &&
      offset < Number(to)
    );
  });
  say(
    root !== null && range?.split(' ')[5] === root,
    proof === null ? `${what}: not sealed yet` : `${what}, seal ${proof.seal}`,
  );
}
if (head !== null)
  say(seals.get(head.number)?.hash === head.hash, `seal ${head.number} is the one that was kept elsewhere`);
else console.log('      no head was given: the key and the chain are those of the bundle');
process.exit(failures === 0 ? 0 : 1);
