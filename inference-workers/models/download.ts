import { createWriteStream } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage, StenoError } from '../../runtime/errors.ts';

export type DownloadOptions = {
  readonly url: string;
  /** The unfinished file; what it already holds is not asked for again. */
  readonly partPath: string;
  readonly onProgress: (done: number, total: number | undefined) => void;
  /** How long a server may be silent; 20 s if absent. */
  readonly silenceMs?: number;
};

const MAX_BARREN_TRIES = 2;
const BARREN_PAUSE_MS = 250;

/**
 * Downloads `url` into `partPath`. A connection that breaks is continued from the last byte as long as tries bring
 * bytes; what an earlier process left is continued too, if the server says that the file is still the same.
 *
 * Throws StenoError `download_failed` (retryable).
 */
export async function download(options: DownloadOptions): Promise<void> {
  let barren = 0;
  for (;;) {
    const before = await sizeOf(options.partPath);
    try {
      if (await transfer(options)) return;
    } catch (error) {
      if (error instanceof StenoError) throw error;
      barren = (await sizeOf(options.partPath)) > before ? 0 : barren + 1;
      if (barren >= MAX_BARREN_TRIES) throw failed(options.url, reason(error), error);
      await delay(barren * BARREN_PAUSE_MS);
    }
  }
}

/** One request. Returns true if the file is complete, false if it must be asked for again from the beginning. */
async function transfer(options: DownloadOptions): Promise<boolean> {
  const { url, partPath, onProgress } = options;
  const tagPath = `${partPath}.etag`;
  const have = await sizeOf(partPath);
  const tag = await readFile(tagPath, 'utf8').catch(() => null);
  const silence = watchSilence(options.silenceMs ?? 20_000);
  try {
    const range = have > 0 ? { range: `bytes=${have}-`, ...(tag === null ? {} : { 'if-range': tag }) } : {};
    // Lengths and offsets are those of the file itself only without compression.
    const headers = { ...range, 'accept-encoding': 'identity' };
    const response = await fetch(url, { headers, signal: silence.signal });
    if (response.status === 416 && have > 0) {
      await response.body?.cancel();
      await rm(partPath, { force: true });
      return false;
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw failed(url, `the server answered ${response.status}`, undefined);
    }
    const from = response.status === 206 ? have : 0;
    const etag = response.headers.get('etag');
    if (etag !== null && !etag.startsWith('W/')) await writeFile(tagPath, etag);
    else await rm(tagPath, { force: true });
    const length = Number(response.headers.get('content-length') ?? NaN);
    const total = Number.isFinite(length) ? from + length : undefined;
    let done = from;
    const count = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        silence.heard();
        onProgress((done += chunk.length), total);
        yield chunk;
      }
    };
    // The DOM's and Node's names for one and the same class.
    const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
    await pipeline(body, count, createWriteStream(partPath, { flags: from > 0 ? 'a' : 'w' }));
    await rm(tagPath, { force: true });
    return true;
  } finally {
    silence.stop();
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => 0,
  );
}

function watchSilence(ms: number): { signal: AbortSignal; heard: () => void; stop: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error(`no byte for ${ms} ms`)), ms);
  return { signal: controller.signal, heard: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}

/** fetch says only "fetch failed": the reason lies one or two causes deeper. */
function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? errorMessage(error) : reason(cause);
}

function failed(url: string, why: string, cause: unknown): StenoError {
  return new StenoError('download_failed', `${new URL(url).host}: ${why}`, { retryable: true, cause });
}
