import { randomUUID } from 'node:crypto';
import type { SeenAnswer, Submission } from './chat-client.ts';
import { sseBlocks, sseEvent, type SseEvent } from './sse-event.ts';

/**
 * A client of server-sent events that behaves as the protocol asks: after `draining`, and after every stream that breaks
 * off, it goes on after its last id at whatever gateway `url` names then.
 */
export class SseClient {
  readonly #url: () => string;
  readonly #isObstinate: boolean;
  #closed = false;
  readonly answers = new Map<string, SeenAnswer>();
  readonly submissions = new Map<string, Submission>();
  /** What was answered instead of streams. */
  readonly refusals: {
    readonly status: number;
    readonly retryAfter: string | null;
    readonly millis: number;
  }[] = [];
  /** How often a gateway said that it goes away, and how often a stream broke off without an end. */
  drains = 0;
  breaks = 0;

  /** `isObstinate`: does not go away when it is asked to, only when the stream breaks off. */
  constructor(url: () => string, isObstinate = false) {
    this.#url = url;
    this.#isObstinate = isObstinate;
  }

  /** Sends a message, to a gateway named or to any, and resolves when its answer ended, or when it was refused. */
  async ask(text: string, url: string = this.#url()): Promise<SeenAnswer> {
    const answer: SeenAnswer = {
      ...{ requestId: randomUUID(), inferenceId: '', conversationId: '', messageId: '', token: '' },
      ...{ text: '', lastSeq: -1, seqs: [], resets: 0, outcome: null, code: null, model: null },
    };
    this.answers.set(answer.requestId, answer);
    this.submissions.set(answer.requestId, 'unknown');
    const started = performance.now();
    const response = await fetch(`${url}/v1/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': answer.requestId },
      body: JSON.stringify({ message: text }),
    }).catch(() => null);
    if (response === null) return answer;
    if (!response.ok) {
      this.submissions.set(answer.requestId, response.status === 503 ? 'unknown' : 'refused');
      const millis = performance.now() - started;
      this.refusals.push({
        status: response.status,
        retryAfter: response.headers.get('retry-after'),
        millis,
      });
      // Every error of ours has this shape.
      const { error } = (await response.json()) as { error: { code: string } };
      answer.code = error.code;
      return answer;
    }
    await this.#read(answer, response);
    while (answer.outcome === null && answer.token !== '' && !this.#closed) await this.#goOn(answer);
    return answer;
  }

  /** Goes on with nothing any more. */
  close(): void {
    this.#closed = true;
  }

  async #goOn(answer: SeenAnswer): Promise<void> {
    const path = `/v1/inferences/${answer.inferenceId}/stream?token=${encodeURIComponent(answer.token)}`;
    const headers = { 'last-event-id': answer.lastSeq < 0 ? '' : String(answer.lastSeq) };
    const response = await fetch(this.#url() + path, { headers }).catch(() => null);
    if (response?.status === 200) return this.#read(answer, response);
    await response?.body?.cancel();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  async #read(answer: SeenAnswer, response: Response): Promise<void> {
    try {
      for await (const block of sseBlocks(response)) {
        const event = sseEvent(block);
        if (event !== null && this.#take(answer, event)) return;
      }
    } catch {
      // Cut off: counted below as every other stream without an end.
    }
    if (answer.outcome === null) this.breaks += 1;
  }

  /** True if nothing more is to be read here. */
  #take(answer: SeenAnswer, { event: name, id, data }: SseEvent): boolean {
    switch (name) {
      case 'accepted':
        this.submissions.set(answer.requestId, 'accepted');
        answer.inferenceId = String(data['inference_id']);
        answer.conversationId = String(data['conversation_id']);
        answer.messageId = String(data['message_id']);
        answer.token = String(data['token']);
        return false;
      case 'delta':
      case 'reset':
        answer.lastSeq = Number(id);
        answer.seqs.push(answer.lastSeq);
        answer.text = name === 'reset' ? '' : answer.text + String(data['text']);
        if (name === 'reset') answer.resets += 1;
        return false;
      case 'draining':
        this.drains += 1;
        return !this.#isObstinate;
      case 'done':
        answer.outcome = String(data['outcome']);
        return true;
      case 'error':
        answer.outcome = 'failed';
        answer.code = String(data['code']);
        return true;
      default:
        return false;
    }
  }
}
