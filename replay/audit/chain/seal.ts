import { createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';
import type { ChainSealed, SealedRange } from '../../../schemas/generated/types.ts';

/** What a seal says, without the envelope of its event. */
export type Seal = Pick<ChainSealed, 'number' | 'previous' | 'occurredAt' | 'ranges' | 'keyId' | 'signature'>;

/** What somebody keeps elsewhere, to hold the log against it later. */
export type Head = { readonly number: number; readonly hash: string };

/** Before the first seal. */
export const NO_SEAL: Head = { number: 0, hash: '0'.repeat(64) };

/**
 * The text that is hashed and signed: a line for each fact, so that a program in any language can write it again. The
 * marks are in it by their hash.
 */
export function sealText({ number, previous, occurredAt, ranges, keyId }: Omit<Seal, 'signature'>): string {
  return [
    'steno-seal 1',
    `number ${number}`,
    `previous ${previous}`,
    `sealed ${occurredAt}`,
    `key ${keyId}`,
    ...ranges.map(rangeLine),
    '',
  ].join('\n');
}

function rangeLine({ topic, partition, from, to, root, marks }: SealedRange): string {
  return `range ${topic} ${partition} ${from} ${to} ${root} ${hash('sha256', marks, 'hex')}`;
}

export function headOf(seal: Omit<Seal, 'signature'>): Head {
  return { number: seal.number, hash: hash('sha256', sealText(seal), 'hex') };
}

export function signSeal(seal: Omit<Seal, 'signature'>, privateKey: KeyObject): Buffer {
  return sign(null, Buffer.from(sealText(seal)), privateKey);
}

export function isSigned(seal: Seal, publicKey: KeyObject): boolean {
  return verify(null, Buffer.from(sealText(seal)), publicKey, seal.signature);
}

/** First 16 hex digits of the SHA-256 of the public key. */
export function keyIdOf(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'hex').slice(0, 16);
}
