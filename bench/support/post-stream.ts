import { request, type Agent } from 'node:http';
import { performance } from 'node:perf_hooks';
import { VoidRun } from './void-run.ts';

/** Longest silence of a stream that is still waited for. */
const SILENCE_MS = 60_000;
const DATA = 'data: ';

export type StreamCall = {
  readonly agent: Agent;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** Hears what stands behind each `data:`, and when its piece arrived; what it throws ends the call. */
  readonly onData: (data: string, now: number) => void;
};

/** Posts JSON and reads server-sent events to the end of the stream. Rejects with what `onData` throws, or VoidRun. */
export function postStream({
  agent,
  url,
  headers = {},
  body,
  onData,
}: StreamCall): Promise<{ readonly sentAt: number; readonly status: number }> {
  const json = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sentAt = performance.now();
    let rest = '';
    const call = request(url, {
      agent,
      method: 'POST',
      timeout: SILENCE_MS,
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) },
    });
    call.on('error', reject);
    call.on('timeout', () => call.destroy(new VoidRun(`no event of ${url} within ${SILENCE_MS} ms`)));
    call.on('response', (response) => {
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        const now = performance.now();
        const lines = (rest + piece).split('\n');
        rest = lines.pop() ?? '';
        try {
          for (const line of lines) if (line.startsWith(DATA)) onData(line.slice(DATA.length).trimEnd(), now);
        } catch (error) {
          call.destroy();
          reject(error instanceof Error ? error : new VoidRun(String(error)));
        }
      });
      response.on('error', reject);
      response.on('end', () => resolve({ sentAt, status: response.statusCode ?? 0 }));
    });
    call.end(json);
  });
}
