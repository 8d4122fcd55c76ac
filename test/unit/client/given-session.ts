import type { Part } from '../../../client/steno-client.js';
import { openRequest } from '../../../client/session/request.js';
import { nextWake, openSession } from '../../../client/session/session.js';
import type { Effect, Input, Options, Session } from '../../../client/session/session.js';
import { step } from '../../../client/session/step.js';

type Frame = Readonly<Record<string, unknown>>;
type Timeless<T> = T extends Input ? Omit<T, 'now' | 'random'> : never;

/** A session without a socket: what happens is told, and what it did is looked at. */
export type GivenSession = {
  readonly session: () => Session;
  /** Everything it asked to be done since it was looked at last. */
  readonly effects: () => readonly Effect[];
  readonly frames: () => readonly Frame[];
  readonly parts: () => readonly unknown[];
  /** Key and code of each end; null for a good one. */
  readonly ends: () => readonly (readonly [number, string | null])[];
  readonly tell: (input: Timeless<Input>) => void;
  /** Asks a message and returns its key. */
  readonly ask: (id: string, fields?: Frame) => number;
  readonly resume: (position: { token?: string; inferenceId?: string; after?: number }) => number;
  readonly open: () => void;
  readonly receive: (...frames: readonly Frame[]) => void;
  readonly cut: (code?: number) => void;
  readonly wait: (millis: number) => void;
  /** Waits until the next thing falls due and tells so. */
  readonly waitUntilDue: () => void;
};

export const GIVE_UP_MS = 120_000;
export const INACTIVITY_MS = 30_000;

export function givenSession(options: Partial<Options> = {}): GivenSession {
  let session = openSession({
    ...{
      urls: ['ws://a'],
      key: null,
      renewsKey: false,
      giveUpAfterMs: GIVE_UP_MS,
      inactivityMs: INACTIVITY_MS,
    },
    ...options,
  });
  let now = 1_000;
  let done: Effect[] = [];
  let lastKey = 0;

  function tell(input: Timeless<Input>): void {
    const taken = step(session, { ...input, now, random: 0.5 });
    session = taken.session;
    done.push(...taken.effects);
  }

  function effects(): readonly Effect[] {
    const seen = done;
    done = [];
    return seen;
  }

  function only<T extends Effect['type']>(type: T): Extract<Effect, { type: T }>[] {
    const is = (effect: Effect): effect is Extract<Effect, { type: T }> => effect.type === type;
    const found = done.filter(is);
    done = done.filter((effect) => !is(effect));
    return found;
  }

  function ask(request: Omit<Parameters<typeof openRequest>[0], 'key' | 'now'>): number {
    lastKey += 1;
    tell({ type: 'ask', request: openRequest({ ...request, key: lastKey, now }) });
    return lastKey;
  }

  return {
    session: () => session,
    effects,
    // Frames are plain objects.
    frames: () => only('send').map(({ frame }) => frame as Frame),
    parts: () => only('part').map(({ part }): Part | object => part),
    ends: () => only('end').map(({ key, failure }) => [key, failure?.code ?? null] as const),
    tell,
    ask: (id, fields = { text: id }) => ask({ id, frame: { type: 'message', id, ...fields } }),
    resume: ({ token, inferenceId, after }) =>
      ask({
        id: `resume-${token ?? inferenceId}`,
        frame: null,
        token: token ?? null,
        inferenceId: inferenceId ?? null,
        after: after ?? -1,
      }),
    open() {
      const { key, renewsKey } = session.options;
      tell({ type: 'opened', socket: session.socket, key: renewsKey ? 'a fresh key' : key });
    },
    receive(...frames) {
      for (const frame of frames)
        tell({ type: 'frame', socket: session.socket, text: JSON.stringify(frame) });
    },
    cut: (code = 1006) => tell({ type: 'closed', socket: session.socket, code }),
    wait(millis) {
      now += millis;
    },
    waitUntilDue() {
      now = Math.max(now, nextWake(session));
      tell({ type: 'tick' });
    },
  };
}

export const accepted = (id: string, inference = `inf_${id}`): Frame => ({
  ...{ type: 'accepted', id, inference_id: inference, message_id: `msg_${id}` },
  ...{ conversation_id: `conv_${id}`, token: `token_${id}` },
});

export const delta = (inference: string, seq: number, text = `${seq}`): Frame => ({
  ...{ type: 'delta', inference_id: inference, seq, text },
});

export const reset = (inference: string, seq: number): Frame => ({
  ...{ type: 'reset', inference_id: inference, seq },
});

export const done = (inference: string, seq: number, outcome = 'completed'): Frame => ({
  ...{ type: 'done', inference_id: inference, seq, outcome, finish_reason: 'stop', model: 'm' },
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, cached_tokens: 0 },
});

export const refusal = (code: string, fields: Frame = {}): Frame => ({
  ...{ type: 'error', code, message: code, retryable: true },
  ...fields,
});
