import { setTimeout as pause } from 'node:timers/promises';
import type { SeenFrame, Witnessed } from '../../checker/evidence.ts';
import type { Random } from '../../support/random.ts';
import { HttpRefusal, overSse, overWebSocket, type Heard } from './heard.ts';
import { readResponseEvent } from './response-event.ts';

/** A message to send and to follow to its end. */
export type Ask = {
  readonly key: string;
  readonly tenant: string;
  readonly apiKey: string;
  readonly transport: Witnessed['transport'];
  readonly canary: string;
  readonly text: string;
  readonly continues: string | null;
  /** The client itself leaves after so many frames and comes back, once; null for never. */
  readonly leavesAfter: number | null;
  /** Another connection asks to stop the answer after so many frames; null for never. */
  readonly stopsAfter: number | null;
};

export type Surroundings = {
  readonly gateways: () => readonly string[];
  readonly random: Random;
  /** A client that waited so long gives up: its message stays unknown, its answer unended. */
  readonly patienceMs: number;
};

/** Problems of the stream and not of the answer: one goes on elsewhere. */
const STREAM_TROUBLE = new Set([
  'unavailable',
  'draining',
  'append_unknown',
  'overloaded',
  'store_unavailable',
  'registry_unreachable',
  'rate_limit_exceeded',
]);
const PAUSE_MS = 50;

type State = Witnessed & { token: string; responseId: string };

/**
 * Sends a message and follows its answer as the protocol asks: a repeat has the same key, a resume the last number
 * received, at whatever gateway is up. Takes nothing for granted and writes down every frame.
 */
export async function witness(ask: Ask, around: Surroundings): Promise<Witnessed> {
  const { key, tenant, transport, canary, continues } = ask;
  const state: State = {
    ...{ key, tenant, transport, canary, continues, submission: 'unknown' },
    ...{
      inferenceId: null,
      conversationId: null,
      frames: [],
      outcome: null,
      code: null,
      token: '',
      responseId: '',
    },
  };
  const deadline = performance.now() + around.patienceMs;
  let leavesAfter = ask.leavesAfter;
  let stopsAfter = ask.stopsAfter;
  for (let connection = 0; state.outcome === null && performance.now() < deadline; connection += 1) {
    const gateways = around.gateways();
    if (gateways.length === 0) {
      await pause(PAUSE_MS);
      continue;
    }
    const gateway = around.random.pick(gateways);
    const after = cursorOf(state);
    // A gateway that never says a word must not hold the client for ever.
    const stream = withSilence(open(gateway, ask, state, after), 15_000);
    try {
      for await (const heard of stream) {
        if (!take(state, heard, { connection, after })) break;
        const { length } = state.frames;
        if (stopsAfter !== null && length >= stopsAfter && state.inferenceId !== null) {
          stopsAfter = null;
          void stop(around.random.pick(gateways), ask, state);
        }
        if (leavesAfter !== null && length >= leavesAfter) {
          leavesAfter = null;
          break;
        }
      }
    } catch (error) {
      if (error instanceof HttpRefusal) takeRefusal(state, error);
      if (state.submission === 'refused') break;
    }
    if (state.outcome === null) await pause(PAUSE_MS);
  }
  const { token: _token, responseId: _id, ...seen } = state;
  return seen;
}

function cursorOf({ frames }: Witnessed): number {
  return frames.findLast(({ seq }) => seq !== null)?.seq ?? -1;
}

function open(gateway: string, ask: Ask, state: State, after: number): AsyncGenerator<Heard, void> {
  const { apiKey, transport, key, text } = ask;
  const conversation = ask.continues === null ? {} : { conversation_id: ask.continues };
  if (transport === 'websocket') {
    const frame =
      state.token === ''
        ? { type: 'message', id: key, text, model: 'scripted', ...conversation }
        : { type: 'resume', token: state.token, after };
    return overWebSocket(gateway, apiKey, frame);
  }
  if (transport === 'sse') {
    if (state.token === '') {
      return overSse(`${gateway}/v1/chat`, apiKey, {
        method: 'POST',
        headers: { 'idempotency-key': key },
        body: JSON.stringify({ message: text, model: 'scripted', ...conversation }),
      });
    }
    const query = new URLSearchParams({ token: state.token });
    const url = `${gateway}/v1/inferences/${state.inferenceId ?? ''}/stream?${query.toString()}`;
    return overSse(url, apiKey, { method: 'GET', headers: { 'last-event-id': String(after) } });
  }
  if (state.responseId === '') {
    return overSse(`${gateway}/v1/responses`, apiKey, {
      method: 'POST',
      headers: { 'idempotency-key': key },
      body: JSON.stringify({ model: 'scripted', input: text, stream: true }),
    });
  }
  const query = new URLSearchParams({ stream: 'true', starting_after: String(after) });
  return overSse(`${gateway}/v1/responses/${state.responseId}?${query.toString()}`, apiKey, {
    method: 'GET',
  });
}

/** Writes down what was heard; false once the connection has nothing more to say. */
function take(state: State, heard: Heard, on: Pick<SeenFrame, 'connection' | 'after'>): boolean {
  if (state.transport === 'responses') return readResponseEvent(state, heard, on);
  const seq = typeof heard['seq'] === 'number' ? heard['seq'] : null;
  const write = (type: SeenFrame['type'], text = ''): void =>
    void state.frames.push({ ...on, type, seq, text });
  switch (heard['type']) {
    case 'accepted':
      state.submission = 'accepted';
      state.inferenceId = String(heard['inference_id']);
      state.conversationId = String(heard['conversation_id']);
      state.token = String(heard['token']);
      return true;
    case 'delta':
      write('delta', String(heard['text']));
      return true;
    case 'reset':
      write('reset');
      return true;
    case 'done':
      write('done');
      state.outcome = heard['outcome'] === 'cancelled' ? 'cancelled' : 'completed';
      return false;
    case 'error': {
      const code = String(heard['code']);
      if (seq === null && (heard['retryable'] === true || STREAM_TROUBLE.has(code))) return false;
      if (state.token === '') state.submission = 'refused';
      else if (seq !== null) write('error');
      state.outcome = 'failed';
      state.code = code;
      return false;
    }
    default:
      // `draining` among them: the connection is left for another gateway.
      return heard['type'] !== 'draining';
  }
}

function takeRefusal(state: State, { code, retryable }: HttpRefusal): void {
  if (STREAM_TROUBLE.has(code)) return;
  if (state.submission !== 'accepted') {
    // A failure that was recorded before any text is told as an HTTP error too, and the client learned no id.
    if (!retryable) state.submission = 'refused';
    return;
  }
  state.outcome = 'failed';
  state.code = code;
}

/** A stop that does not come through is no failure of the answer: it goes on. */
async function stop(gateway: string, { apiKey }: Ask, { inferenceId, token }: State): Promise<void> {
  await fetch(`${gateway}/v1/inferences/${inferenceId ?? ''}/cancel`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(token === '' ? {} : { token }),
    signal: AbortSignal.timeout(10_000),
  }).catch(() => undefined);
}

async function* withSilence<T>(source: AsyncGenerator<T, void>, millis: number): AsyncGenerator<T, void> {
  try {
    for (;;) {
      const silent = new AbortController();
      const timer = pause(millis, 'silent' as const, { signal: silent.signal }).catch(
        () => 'silent' as const,
      );
      const next = await Promise.race([source.next(), timer]);
      silent.abort();
      if (next === 'silent' || next.done === true) return;
      yield next.value;
    }
  } finally {
    void source.return().catch(() => undefined);
  }
}
