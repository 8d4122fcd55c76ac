import { setTimeout as pause } from 'node:timers/promises';
import { errorMessage, StenoError } from '../../runtime/errors.ts';
import { NO_ANSWER, takeFrame, type Accepted, type Answer } from './answer.ts';
import { explainUnreachable } from './explain-unreachable.ts';
import { parseServerFrame, type DoneFrame, type ErrorFrame, type ServerFrame } from './server-frame.ts';

/** A message as the gateway's WebSocket takes it, without its id. */
export type Message = Readonly<Record<string, unknown>> & { readonly text: string };

export type AskOptions = {
  /** Address of the gateway, such as http://127.0.0.1:8080. */
  readonly url: string;
  /** API key; null where the gateway asks for none. */
  readonly key: string | null;
  /** Idempotency key: the same message under the same id is one message, however often it is sent. */
  readonly id: string;
  readonly message: Message;
  /** Aborted when the answer should stop; the recorded end is waited for. */
  readonly stop: AbortSignal;
  /** Every frame that is new, in order. */
  readonly onFrame: (frame: ServerFrame) => void;
  /** Something a person should know, such as a lost connection. */
  readonly onNote: (text: string) => void;
};

/** An answer that has ended; `accepted` is null where the message was refused, `end` where it was stopped unsent. */
export type Asked = { readonly accepted: Accepted | null; readonly end: DoneFrame | ErrorFrame | null };

type Drop = {
  /** Close code of the WebSocket; 1006 where there was none. */
  readonly code: number;
  readonly reason: string;
  readonly wasOpen: boolean;
  /** What the gateway said when it gave up on the stream. */
  readonly problem: ErrorFrame | null;
};

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** Longer than a gateway takes to start again. */
const PATIENCE_MS = 60_000;

/**
 * Sends a message over a WebSocket and follows its answer to the recorded end, over as many connections as it takes:
 * until the gateway has accepted it the same message is sent again under its id, then the answer is resumed by token.
 *
 * Throws StenoError: `not_running` if nothing answers at the first try, `invalid_api_key`, `too_large`,
 * `rate_limit_exceeded`, `gateway_refused`, or `connection_lost` after a minute without a word from the gateway.
 */
export async function askGateway(options: AskOptions): Promise<Asked> {
  let answer: Answer = NO_ANSWER;
  let wasSent = false;
  let failures = 0;
  let heardAt = performance.now();
  for (;;) {
    if (options.stop.aborted && !wasSent) return { accepted: null, end: null };
    const drop = await followOnce({
      options,
      read: () => answer,
      take(next) {
        answer = next;
        failures = 0;
        heardAt = performance.now();
      },
    });
    const { accepted, end } = answer;
    if (drop === null || end !== null) return { accepted, end };
    wasSent ||= drop.wasOpen;
    throwIfFinal(drop);
    if (!drop.wasOpen && !wasSent) throw await explainUnreachable(options.url, drop.reason);
    if (performance.now() - heardAt > PATIENCE_MS) throw lost(options.url, drop, accepted);
    failures += 1;
    if (failures === 1) options.onNote(describeDrop(drop, accepted));
    const backoff = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
    await pause(Math.max(backoff, drop.problem?.retry_after_ms ?? 0));
  }
}

type Once = {
  readonly options: AskOptions;
  readonly read: () => Answer;
  readonly take: (answer: Answer) => void;
};

/** One connection, to the end of the answer (null) or of the connection. */
function followOnce({ options, read, take }: Once): Promise<Drop | null> {
  const { promise, resolve } = Promise.withResolvers<Drop | null>();
  const socket = new WebSocket(`${options.url.replace(/^http/, 'ws')}/v1/chat`);
  let wasOpen = false;
  let reason = '';
  let problem: ErrorFrame | null = null;

  const send = (frame: object): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  };
  const sendStop = (): void => {
    const { accepted } = read();
    if (accepted !== null) send({ type: 'stop', inference_id: accepted.inferenceId, token: accepted.token });
  };
  options.stop.addEventListener('abort', sendStop);

  socket.addEventListener('open', () => {
    wasOpen = true;
    const { accepted, lastSeq } = read();
    if (options.key !== null) send({ type: 'auth', key: options.key });
    if (accepted === null) send({ ...options.message, type: 'message', id: options.id });
    else send({ type: 'resume', token: accepted.token, after: lastSeq });
    if (options.stop.aborted) sendStop();
  });
  socket.addEventListener('message', ({ data }) => {
    const frame = parseServerFrame(String(data));
    if (frame === null || problem !== null) return;
    const { answer, verdict } = takeFrame(read(), frame);
    if (verdict === 'retry' && frame.type === 'error') {
      problem = frame;
      socket.close();
    }
    if (verdict !== 'taken') return;
    take(answer);
    options.onFrame(frame);
    if (frame.type === 'accepted' && options.stop.aborted) sendStop();
    if (answer.end !== null) socket.close();
  });
  socket.addEventListener('error', (event) => {
    reason = 'error' in event ? errorMessage(event.error) : '';
  });
  socket.addEventListener('close', (event) => {
    options.stop.removeEventListener('abort', sendStop);
    if (read().end !== null) return resolve(null);
    resolve({ code: event.code, reason: event.reason === '' ? reason : event.reason, wasOpen, problem });
  });
  return promise;
}

/** Throws where another connection would end the same way. */
function throwIfFinal(drop: Drop): void {
  const fail = (code: string, message: string, fix: string): never => {
    throw new StenoError(code, message, { fix });
  };
  if (drop.code === 4401)
    fail(
      'invalid_api_key',
      'the gateway wants an API key that it knows',
      'set STENO_API_KEY or name a file with --key-file',
    );
  if (drop.code === 4429)
    fail('rate_limit_exceeded', `the gateway closed the connection: ${drop.reason}`, 'ask less at once');
  if (drop.code === 1009)
    fail(
      'too_large',
      'the message is larger than the gateway takes',
      'shorten it, or raise STENO_MAX_MESSAGE_BYTES at the gateway',
    );
}

function describeDrop({ problem }: Drop, accepted: Accepted | null): string {
  const what = problem === null ? 'the connection was lost' : problem.message;
  return `${what}; ${accepted === null ? 'sending the message again' : 'resuming the answer'}`;
}

function lost(url: string, drop: Drop, accepted: Accepted | null): StenoError {
  const why = drop.problem?.message ?? drop.reason;
  return new StenoError(
    'connection_lost',
    `no word from ${url} for a minute${why === '' ? '' : `: ${why}`}`,
    {
      retryable: true,
      fix:
        accepted === null
          ? 'check with steno status, then ask again'
          : `check with steno status; the answer goes on and is found in conversation ${accepted.conversationId}`,
    },
  );
}
