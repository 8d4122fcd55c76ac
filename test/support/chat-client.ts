import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';

/** One answer as a client saw it: every frame in order, across reconnects. */
export type SeenAnswer = {
  readonly requestId: string;
  inferenceId: string;
  conversationId: string;
  messageId: string;
  token: string;
  text: string;
  lastSeq: number;
  readonly seqs: number[];
  resets: number;
  outcome: string | null;
  code: string | null;
  /** Who answered, as its end says. */
  model: string | null;
};

type Frame = Readonly<Record<string, unknown>>;

/** Whether a message was acknowledged is what every promise hangs on: three answers, not two. */
export type Submission = 'accepted' | 'refused' | 'unknown';

/**
 * A client that behaves as the protocol asks: it resumes from its last seq after every disconnect, at whatever gateway
 * `url` names then, and takes nothing for granted.
 */
export class ChatClient {
  readonly #url: () => string;
  readonly answers = new Map<string, SeenAnswer>();
  readonly submissions = new Map<string, Submission>();
  readonly #waiting = new Map<string, () => void>();
  readonly errors: Frame[] = [];
  #socket: WebSocket | null = null;
  #connecting: Promise<WebSocket> | null = null;
  /** The gateway of the socket goes away: what is new is asked elsewhere. */
  #leaving = false;
  #closed = false;
  #next = 0;
  /** Ids of messages are idempotency keys: two clients must not share theirs by accident. */
  readonly #name = randomUUID();

  constructor(url: () => string) {
    this.#url = url;
  }

  /** Sends a message and resolves when its answer ended, or when the gateway refused it. */
  async ask(message: Readonly<Record<string, unknown>>): Promise<SeenAnswer> {
    const requestId = typeof message['id'] === 'string' ? message['id'] : `${this.#name}-${this.#next++}`;
    const answer: SeenAnswer = {
      requestId,
      inferenceId: '',
      conversationId: '',
      messageId: '',
      token: '',
      text: '',
      lastSeq: -1,
      seqs: [],
      resets: 0,
      outcome: null,
      code: null,
      model: null,
    };
    this.answers.set(requestId, answer);
    this.submissions.set(requestId, 'unknown');
    const socket = await this.#open();
    const done = new Promise<void>((resolve) => this.#waiting.set(requestId, resolve));
    socket.send(JSON.stringify({ type: 'message', ...message, id: requestId }));
    await done;
    return answer;
  }

  async send(frame: Frame): Promise<void> {
    (await this.#open()).send(JSON.stringify(frame));
  }

  close(): void {
    this.#closed = true;
    this.#socket?.terminate();
  }

  async #open(): Promise<WebSocket> {
    while (!this.#closed) {
      if (this.#socket?.readyState === WebSocket.OPEN && !this.#leaving) return this.#socket;
      try {
        if (this.#leaving) throw new Error('the gateway goes away');
        // One socket for everybody who asks: frames of an answer that came by two would be out of order.
        this.#connecting ??= this.#connect().finally(() => (this.#connecting = null));
        return await this.#connecting;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    throw new Error('the client was closed');
  }

  #connect(): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`${this.#url().replace('http', 'ws')}/v1/chat`);
      socket.on('error', reject);
      socket.on('open', () => {
        this.#socket = socket;
        socket.on('message', (data: Buffer) => this.#receive(JSON.parse(data.toString('utf8')) as Frame));
        socket.on('close', () => {
          this.#leaving = false;
          void this.#resume();
        });
        resolve(socket);
      });
    });
  }

  /** After a disconnect: open answers go on from their last seq; messages without an answer stay unknown. */
  async #resume(): Promise<void> {
    if (this.#closed) return;
    for (const [requestId, settle] of this.#waiting) {
      const answer = this.answers.get(requestId);
      if (answer?.token === '') {
        this.#waiting.delete(requestId);
        settle();
      }
    }
    if (this.#waiting.size === 0) return;
    const socket = await this.#open();
    for (const requestId of this.#waiting.keys()) {
      const answer = this.answers.get(requestId);
      if (answer !== undefined && answer.token !== '') {
        const { token, inferenceId, lastSeq } = answer;
        socket.send(JSON.stringify({ type: 'resume', token, inference_id: inferenceId, after: lastSeq }));
      }
    }
  }

  /** The gateway goes away: on at another one from the last seq, once it has answered every message it was sent. */
  #leave(): void {
    this.#leaving = true;
    const unheard = [...this.#waiting.keys()].some((id) => this.answers.get(id)?.token === '');
    if (!unheard) this.#socket?.close();
  }

  #receive(frame: Frame): void {
    if (frame['type'] === 'draining') return this.#leave();
    if (frame['type'] === 'accepted') return this.#accepted(frame);
    const answer = this.#answerOf(frame);
    if (answer === null) {
      this.errors.push(frame);
      return;
    }
    switch (frame['type']) {
      case 'delta':
        answer.seqs.push(Number(frame['seq']));
        answer.lastSeq = Number(frame['seq']);
        answer.text += String(frame['text']);
        return;
      case 'reset':
        answer.seqs.push(Number(frame['seq']));
        answer.lastSeq = Number(frame['seq']);
        answer.text = '';
        answer.resets += 1;
        return;
      case 'done':
        answer.model = String(frame['model']);
        return this.#settle(answer, String(frame['outcome']), null);
      case 'error':
        // A resume that came too late here: the answer goes on elsewhere.
        if (frame['code'] === 'draining' && answer.token !== '') return this.#leave();
        if (answer.token === '')
          this.submissions.set(answer.requestId, frame['retryable'] === true ? 'unknown' : 'refused');
        return this.#settle(answer, 'failed', String(frame['code']));
    }
  }

  #accepted(frame: Frame): void {
    const answer = this.answers.get(String(frame['id']));
    if (answer === undefined) return;
    this.submissions.set(answer.requestId, 'accepted');
    answer.inferenceId = String(frame['inference_id']);
    answer.messageId = String(frame['message_id']);
    answer.conversationId = String(frame['conversation_id']);
    answer.token = String(frame['token']);
    if (this.#leaving) this.#leave();
  }

  #answerOf(frame: Frame): SeenAnswer | null {
    for (const answer of this.answers.values()) {
      if (answer.inferenceId !== '' && answer.inferenceId === frame['inference_id']) return answer;
    }
    return this.answers.get(String(frame['id'])) ?? null;
  }

  #settle(answer: SeenAnswer, outcome: string, code: string | null): void {
    answer.outcome = outcome;
    answer.code = code;
    this.#waiting.get(answer.requestId)?.();
    this.#waiting.delete(answer.requestId);
    if (this.#leaving) this.#leave();
  }
}
