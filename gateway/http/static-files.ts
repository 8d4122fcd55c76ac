import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Reply } from './exchange.ts';

/** Files that never change under their address: the address names what is in all of them. */
export interface StaticFiles {
  /** First 16 hex digits of a SHA-256 over names and bytes of the files. */
  readonly version: string;
  /** Answers with a file in the smallest form that the client takes; null for an address of another version. */
  reply(version: string, name: string, acceptEncoding: string | null): Promise<Reply | null>;
}

type StaticFile = { readonly body: string; readonly type: string };
type Encoded = ReadonlyMap<string, Buffer>;

/** Encodings that are offered, the smallest first. */
const ENCODERS: Readonly<Record<string, (bytes: Buffer) => Promise<Buffer>>> = {
  br: (bytes) =>
    promisify(brotliCompress)(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY },
    }),
  gzip: (bytes) => promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }),
};

/** Each file is compressed once, when it is asked for first. */
export function createStaticFiles(files: ReadonlyMap<string, StaticFile>): StaticFiles {
  const hash = createHash('sha256');
  for (const [name, { body }] of files) hash.update(`${name}\n${Buffer.byteLength(body)}\n${body}`);
  const version = hash.digest('hex').slice(0, 16);
  const encoded = new Map<string, Promise<Encoded>>();

  async function encode(body: string): Promise<Encoded> {
    const bytes = Buffer.from(body);
    const entries = Object.entries(ENCODERS).map(async ([name, run]) => [name, await run(bytes)] as const);
    return new Map([...(await Promise.all(entries)), ['identity', bytes]]);
  }

  return {
    version,
    async reply(asked, name, acceptEncoding) {
      const file = files.get(name);
      if (asked !== version || file === undefined) return null;
      const forms = encoded.get(name) ?? encode(file.body);
      encoded.set(name, forms);
      const encoding = bestOf(acceptEncoding);
      const body = (await forms).get(encoding) ?? Buffer.from(file.body);
      return {
        ...{ status: 200, body, type: file.type },
        headers: {
          'cache-control': 'public, max-age=31536000, immutable',
          vary: 'accept-encoding',
          ...(encoding === 'identity' ? {} : { 'content-encoding': encoding }),
        },
      };
    },
  };
}

/** RFC 9110, 12.5.3: an encoding is taken if it is named without a weight of 0. */
function bestOf(acceptEncoding: string | null): string {
  const taken = (acceptEncoding ?? '')
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => !/;\s*q=0(\.0*)?$/.test(entry))
    .map((entry) => entry.split(';')[0]?.trim());
  return Object.keys(ENCODERS).find((name) => taken.includes(name)) ?? 'identity';
}
