import { Agent } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Path, Turn } from '../support/load.ts';
import { postStream } from '../support/post-stream.ts';
import type { Question } from '../support/questions.ts';
import { VoidRun } from '../support/void-run.ts';

/** Something that serves OpenAI's streamed chat completions. */
export type CompletionsTarget = {
  readonly name: string;
  /** Without the `/chat/completions`. */
  readonly baseUrl: string;
  readonly model: string;
  readonly headers?: Readonly<Record<string, string>>;
};

type Chunk = {
  readonly id?: string;
  readonly error?: unknown;
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
};

/** Clients that ask one after the other over connections that are kept, and check every byte of the answer. */
export function openCompletionsPath(
  target: CompletionsTarget,
  clients: number,
  questions: readonly Question[],
): Path {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  let next = 0;
  const turn = (): Promise<Turn> => {
    const question = questions[next % questions.length] ?? { text: '', answer: '' };
    next += 1;
    return ask(agent, target, question);
  };
  return {
    name: target.name,
    slots: Array.from({ length: clients }, () => ({ turn })),
    async close() {
      agent.destroy();
    },
  };
}

async function ask(agent: Agent, target: CompletionsTarget, { text, answer }: Question): Promise<Turn> {
  const { name, baseUrl, model, headers = {} } = target;
  let firstAt = Number.NaN;
  let said = '';
  let deltas = 0;
  let id: string | undefined;
  let finish: string | null = null;
  let done = false;
  const wrong = (why: string): VoidRun =>
    new VoidRun(`${name}: the answer to "${text}" is not right: ${why}`);
  const { sentAt, status } = await postStream({
    agent,
    url: `${baseUrl}/chat/completions`,
    headers,
    body: { model, stream: true, messages: [{ role: 'user', content: text }] },
    onData(data, now) {
      if (done) throw wrong('data after its end');
      if (data === '[DONE]') {
        done = true;
        return;
      }
      // Chunks as the API has them; only what is there is looked at.
      const chunk = JSON.parse(data) as Chunk;
      if (chunk.error !== undefined) throw wrong(data);
      id ??= chunk.id;
      if (chunk.id !== id) throw wrong(`a chunk of ${String(chunk.id)} in ${String(id)}`);
      const [choice] = chunk.choices ?? [];
      finish = choice?.finish_reason ?? finish;
      const content = choice?.delta?.content ?? '';
      if (content === '') return;
      if (deltas === 0) firstAt = now;
      deltas += 1;
      said += content;
    },
  });
  if (!done) throw wrong(`the stream ended early with status ${status}`);
  if (finish !== 'stop') throw wrong(`it finished as ${String(finish)}`);
  if (said !== answer) throw wrong(`the text is "${said}", not "${answer}"`);
  return { firstMs: firstAt - sentAt, totalMs: performance.now() - sentAt, deltas };
}
