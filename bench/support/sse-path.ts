import { Agent } from 'node:http';
import { performance } from 'node:perf_hooks';
import { FrameCheck } from './frame-check.ts';
import type { Path, Turn } from './load.ts';
import { postStream } from './post-stream.ts';
import type { Question } from './questions.ts';
import { VoidRun } from './void-run.ts';

/** Clients that ask by POST /v1/chat and read server-sent events, each on a connection that is kept. */
export function openSsePath(
  url: string,
  questions: readonly Question[],
  options: {
    readonly clients: number;
    readonly model?: string;
    readonly name?: string;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Path {
  const { clients, model, name = 'sse', headers = {} } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  let next = 0;
  const turn = (): Promise<Turn> => {
    const question = questions[next % questions.length] ?? { text: '', answer: '' };
    next += 1;
    return ask({ agent, url: `${url}/v1/chat`, headers }, question, model);
  };
  return {
    name,
    slots: Array.from({ length: clients }, () => ({ turn })),
    async close() {
      agent.destroy();
    },
  };
}

async function ask(
  target: { readonly agent: Agent; readonly url: string; readonly headers: Readonly<Record<string, string>> },
  question: Question,
  model: string | undefined,
): Promise<Turn> {
  const check = new FrameCheck(question.text, question.answer);
  let firstAt = Number.NaN;
  let ended = false;
  const { sentAt, status } = await postStream({
    ...target,
    body: { message: question.text, ...(model === undefined ? {} : { model }) },
    onData(data, now) {
      // The gateway's events hold JSON objects.
      const what = check.take(JSON.parse(data) as Readonly<Record<string, unknown>>);
      if (what === 'delta' && check.deltas === 1) firstAt = now;
      ended ||= what === 'done';
    },
  });
  if (!ended) throw new VoidRun(`the stream ended early with status ${status}`);
  return { firstMs: firstAt - sentAt, totalMs: performance.now() - sentAt, deltas: check.deltas };
}
