import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { FrameCheck } from './frame-check.ts';
import type { Path, Turn } from './load.ts';
import type { Question } from './questions.ts';
import { VoidRun } from './void-run.ts';

const TURN_MS = 30_000;
const DATA = 'data: ';

/** One client that asks by POST /v1/chat and reads server-sent events, on a connection that is kept. */
export function openSsePath(url: string, questions: readonly Question[]): Path {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let next = 0;
  return {
    name: 'sse',
    slots: [
      {
        turn() {
          const question = questions[next % questions.length] ?? { text: '', answer: '' };
          next += 1;
          return ask(agent, url, question);
        },
      },
    ],
    async close() {
      agent.destroy();
    },
  };
}

function ask(agent: Agent, url: string, question: Question): Promise<Turn> {
  const check = new FrameCheck(question.text, question.answer);
  const body = JSON.stringify({ message: question.text });
  return new Promise((resolve, reject) => {
    const sentAt = performance.now();
    let firstMs = Number.NaN;
    let ended = false;
    let text = '';
    const call = request(`${url}/v1/chat`, {
      agent,
      method: 'POST',
      timeout: TURN_MS,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    call.on('error', reject);
    call.on('timeout', () => call.destroy(new VoidRun(`no event within ${TURN_MS} ms`)));
    call.on('response', (response) => {
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        const now = performance.now();
        const lines = (text + piece).split('\n');
        text = lines.pop() ?? '';
        try {
          for (const line of lines) {
            if (!line.startsWith(DATA)) continue;
            // The gateway's events hold JSON objects.
            const what = check.take(JSON.parse(line.slice(DATA.length)) as Readonly<Record<string, unknown>>);
            if (what === 'delta' && check.deltas === 1) firstMs = now - sentAt;
            ended ||= what === 'done';
          }
        } catch (error) {
          call.destroy();
          reject(error instanceof Error ? error : new VoidRun(String(error)));
        }
      });
      response.on('end', () => {
        if (ended) resolve({ firstMs, totalMs: performance.now() - sentAt, deltas: check.deltas });
        else reject(new VoidRun(`the stream ended early with status ${response.statusCode ?? 0}`));
      });
    });
    call.end(body);
  });
}
