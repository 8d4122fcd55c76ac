import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { StenoError } from '../../runtime/errors.ts';
import { publicPem } from './audit-keys.ts';
import type { Head } from './chain/seal.ts';

const schema = z.object({
  number: z.int().min(0),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  sealed_at: z.string(),
  public_key: z.string(),
});

/** A head as it is kept elsewhere. */
export type KeptHead = Head & { readonly sealedAt: string; readonly publicKey: KeyObject };

/** The head as JSON: what is kept elsewhere holds the key too, so that neither can be exchanged with the log. */
export function headJson({ number, hash }: Head, sealedAt: number, key: KeyObject): string {
  const head = { number, hash, sealed_at: new Date(sealedAt).toISOString(), public_key: publicPem(key) };
  return `${JSON.stringify(head, null, 2)}\n`;
}

/** Throws StenoError `bad_head_file`. */
export function readHead(file: string): KeptHead {
  try {
    const {
      number,
      hash,
      sealed_at: sealedAt,
      public_key,
    } = schema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return { number, hash, sealedAt, publicKey: createPublicKey(public_key) };
  } catch (cause) {
    throw new StenoError('bad_head_file', `${file} is not a head of the audit chain`, {
      fix: 'name a file that STENO_AUDIT_HEAD_FILE or steno audit head wrote',
      cause,
    });
  }
}
