import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { sha256 } from '../../streams/ids.ts';
import type { Reply } from './exchange.ts';

/** Files that never change under their address: the address names what is in all of them. */
export interface StaticFiles {
  /** First 16 hex digits of a SHA-256 over names, types and bytes of the files. */
  readonly version: string;
  /** Answers with a file in the smallest form that the client takes; null for an address of another version. */
  reply(version: string, name: string, acceptEncoding: string | null): Promise<Reply | null>;
}

type StaticFile = { readonly body: string; readonly type: string };

/** Encodings that are offered, the smallest first. */
const ENCODERS = {
  br: (bytes: Buffer): Promise<Buffer> =>
    promisify(brotliCompress)(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY },
    }),
  gzip: (bytes: Buffer): Promise<Buffer> => promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }),
  identity: (bytes: Buffer): Promise<Buffer> => Promise.resolve(bytes),
};
type Encoding = keyof typeof ENCODERS;
const ENCODINGS: readonly Encoding[] = ['br', 'gzip'];

/** Each file is compressed once in each way, when it is asked for first. */
export function createStaticFiles(files: ReadonlyMap<string, StaticFile>): StaticFiles {
  const version = sha256(JSON.stringify([...files])).slice(0, 16);
  const encoded = new Map<string, Promise<Buffer>>();

  function encode(name: string, body: string, encoding: Encoding): Promise<Buffer> {
    const key = `${encoding} ${name}`;
    const bytes = encoded.get(key) ?? ENCODERS[encoding](Buffer.from(body));
    encoded.set(key, bytes);
    return bytes;
  }

  return {
    version,
    async reply(asked, name, acceptEncoding) {
      const file = files.get(name);
      if (asked !== version || file === undefined) return null;
      const encoding = bestOf(acceptEncoding);
      return {
        ...{ status: 200, body: await encode(name, file.body, encoding), type: file.type },
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
function bestOf(acceptEncoding: string | null): Encoding {
  const taken = (acceptEncoding ?? '')
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => !/;\s*q=0(\.0*)?$/.test(entry))
    .map((entry) => entry.split(';')[0]?.trim());
  return ENCODINGS.find((name) => taken.includes(name)) ?? 'identity';
}
