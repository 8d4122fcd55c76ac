import type { Exchange } from '../http/exchange.ts';
import { keyOf } from '../http/idempotency-key.ts';
import { fingerprintOf, type Transport } from '../message.ts';
import type { Problem } from '../problems.ts';
import type { Submission } from '../requests.ts';
import type { Repeats } from './repeats.ts';

/** What makes a repeated call the same message. */
export type CallKey = {
  readonly key: string;
  /** The caller named it. */
  readonly isNamed: boolean;
  /** Somebody may have sent this very message before. */
  readonly mayRepeat: boolean;
  /** A call without a name that came to nothing: a repeat of it is a fresh attempt. */
  readonly onEnd: (problem: Problem | null) => void;
  /** A repeat of a call without a name is a fresh attempt. */
  readonly forget: () => void;
};

/** Problems of the way to the client: behind them an answer may be made, and a repeat goes on with it. */
const MAY_GO_ON = new Set(['append_unknown', 'draining', 'slow_reader', 'stream_reset', 'unavailable']);

/** Returns the caller's Idempotency-Key, else the key of the call that an SDK says it repeats, else a fresh one. */
export function callKeyOf(
  exchange: Exchange,
  transport: Transport,
  submission: Submission,
  repeats: Repeats,
): CallKey {
  const named = keyOf(exchange);
  if (named !== null) {
    const nothing = (): void => undefined;
    return { key: named, isNamed: true, mayRepeat: true, onEnd: nothing, forget: nothing };
  }
  const { tenantId, principal } = exchange.call.caller;
  const { conversationId } = submission;
  const digest = JSON.stringify([transport, tenantId, principal, conversationId, fingerprintOf(submission)]);
  const isRepeat = Number(exchange.header('x-stainless-retry-count') ?? 0) > 0;
  const key = repeats.keyFor(digest, isRepeat);
  const forget = (): void => repeats.forget(digest, key);
  return {
    key,
    isNamed: false,
    mayRepeat: isRepeat,
    onEnd(problem) {
      if (problem !== null && !MAY_GO_ON.has(problem.code)) forget();
    },
    forget,
  };
}
