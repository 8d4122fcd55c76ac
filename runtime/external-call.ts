import CircuitBreaker from 'opossum';
import { errorCode, StenoError } from './errors.ts';
import {
  createCallMetrics,
  type BreakerState,
  type CallMetrics,
  type CallOutcome,
} from './external-call/call-metrics.ts';
import { limitSilence, type SilenceMillis } from './external-call/silence-limit.ts';
import type { Metrics } from './metrics.ts';

export type { BreakerState } from './external-call/call-metrics.ts';

/** The far side of calls that leave the process: one backend and one model of it, never more. */
export type CallTarget = {
  /** Its name in metrics: from a closed set, such as the ids of the model catalogue. */
  readonly name: string;
  /** False for an error that tells nothing against the far side, such as a 4xx or a 429. All tell if it is absent. */
  readonly isFailure?: (error: unknown) => boolean;
  /** Failures within ten seconds after which calls fail at once, if they are half of all; 5 if absent. */
  readonly failures?: number;
  /** How long calls fail at once before one may try again; 5 s if absent. */
  readonly openMillis?: number;
  /** Told of every change. At `half_open` the next call decides: make it here, and the breaker closes by itself. */
  readonly onState?: (state: BreakerState) => void;
};

/** Calls to one target. Each has a time-out that aborts it, counts in the target's breaker, and is measured. */
export interface ExternalCall {
  readonly state: BreakerState;
  /**
   * Reads an answer that comes in pieces. It succeeds once `isLast` holds for a piece or the pieces end.
   *
   * Throws what `open` throws; the signal's reason once that is aborted; StenoError `breaker_open` (retryable) at once
   * while the breaker is open; `call_timeout` (retryable) when the far side is silent for longer than the limits.
   */
  stream<T>(
    open: (signal: AbortSignal) => AsyncIterable<T>,
    options: SilenceMillis & { readonly signal: AbortSignal; readonly isLast?: (piece: T) => boolean },
  ): AsyncGenerator<T, void>;
  /** Makes a call with one answer: the same promises, within `millis`. */
  run<T>(
    action: (signal: AbortSignal) => Promise<T>,
    options: { readonly signal: AbortSignal; readonly millis: number },
  ): Promise<T>;
  stop(): void;
}

export interface ExternalCalls {
  open(target: CallTarget): ExternalCall;
}

const OPEN_MILLIS = 5_000;
/** Fewer failures than these within ten seconds say nothing. */
const FAILURES = 5;
const BREAKER = {
  // A time-out has to abort the call: ours do, the library's only gives up waiting.
  timeout: false,
  // The library opens by the share of failures among so many calls; ours opens by their number, below.
  volumeThreshold: Number.MAX_SAFE_INTEGER,
  errorThresholdPercentage: 50,
  rollingCountTimeout: 10_000,
  rollingPercentilesEnabled: false,
  enableSnapshots: false,
} as const;

/** Builds what a process makes its external calls with; made once, because it registers the metrics. */
export function createExternalCalls(metrics: Metrics | null): ExternalCalls {
  const callMetrics = createCallMetrics(metrics);
  return { open: (target) => openCall(target, callMetrics) };
}

/** An end that tells nothing of the far side. */
class Undecided extends Error {}

function openCall(target: CallTarget, metrics: CallMetrics): ExternalCall {
  const { name, onState } = target;
  const breaker: CircuitBreaker<[fate: Promise<unknown>, admit: () => void]> = new CircuitBreaker(
    (fate: Promise<unknown>, admit: () => void) => {
      admit();
      return fate;
    },
    {
      ...BREAKER,
      resetTimeout: target.openMillis ?? OPEN_MILLIS,
      // The only call that may pass a half-open breaker has to prove something to close it.
      errorFilter: (error: Error) => error instanceof Undecided && !breaker.halfOpen,
    },
  );
  const state = (): BreakerState => (breaker.opened ? 'open' : breaker.halfOpen ? 'half_open' : 'closed');
  const tell = (): void => onState?.(state());
  const enough = target.failures ?? FAILURES;
  breaker.on('failure', () => {
    const { failures, successes } = breaker.stats;
    if (breaker.closed && failures >= enough && failures >= successes) breaker.open();
  });
  breaker.on('open', tell).on('halfOpen', tell).on('close', tell);
  metrics.watch(name, state);

  /** Asks the breaker for a call. Returns what ends it. Throws `breaker_open`. */
  function begin(): (outcome: CallOutcome, error?: unknown) => void {
    const fate = Promise.withResolvers<unknown>();
    const began = performance.now();
    let admitted = false;
    let ended = false;
    // The breaker hands the call's own error back: whoever made the call has it already.
    breaker.fire(fate.promise, () => (admitted = true)).catch(() => undefined);
    if (!admitted) {
      metrics.ended(name, 'rejected', 0);
      throw new StenoError('breaker_open', `${name} failed too often; it is asked again in a moment`, {
        retryable: true,
        facts: { target: name },
      });
    }
    return (outcome, error) => {
      if (ended) return;
      ended = true;
      metrics.ended(name, outcome, (performance.now() - began) / 1_000);
      if (outcome === 'ok' || outcome === 'refused') fate.resolve(null);
      else fate.reject(outcome === 'aborted' ? new Undecided() : error);
    };
  }

  function outcomeOf(error: unknown, signal: AbortSignal): CallOutcome {
    if (errorCode(error) === 'call_timeout') return 'timeout';
    // A caller with a limit of its own gives up for the same reason.
    if (signal.aborted) return errorCode(signal.reason) === 'timeout' ? 'timeout' : 'aborted';
    return target.isFailure?.(error) === false ? 'refused' : 'failed';
  }

  async function* stream<T>(
    open: (signal: AbortSignal) => AsyncIterable<T>,
    options: SilenceMillis & { readonly signal: AbortSignal; readonly isLast?: (piece: T) => boolean },
  ): AsyncGenerator<T, void> {
    const { signal, isLast } = options;
    signal.throwIfAborted();
    const end = begin();
    const given = new AbortController();
    const abort = (): void => given.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const silence = limitSilence(options, () => given.abort(timedOut(name)));
    try {
      for await (const piece of open(given.signal)) {
        given.signal.throwIfAborted();
        silence.heard();
        if (isLast?.(piece) === true) end('ok');
        yield piece;
        silence.waiting();
      }
      given.signal.throwIfAborted();
      end('ok');
    } catch (error) {
      // Why it was ended says more than how the far side's socket put it.
      const reason: unknown = given.signal.aborted ? given.signal.reason : error;
      end(outcomeOf(reason, signal), reason);
      throw reason;
    } finally {
      silence.stop();
      signal.removeEventListener('abort', abort);
      end('aborted');
    }
  }

  return {
    get state() {
      return state();
    },
    stream,
    async run(action, { signal, millis }) {
      const limits = { firstMillis: millis, gapMillis: millis, signal, isLast: () => true };
      for await (const result of stream((given) => once(action(given), given), limits)) return result;
      throw new StenoError('call_failed', `${name} gave no answer`);
    },
    stop() {
      breaker.shutdown();
      metrics.forget(name);
    },
  };
}

/** One answer as a stream of it; an action that ignores its signal is not waited for. */
async function* once<T>(answer: Promise<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  const aborted = Promise.withResolvers<never>();
  const leave = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  try {
    yield await Promise.race([answer, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

function timedOut(name: string): StenoError {
  return new StenoError('call_timeout', `${name} was silent for too long`, {
    retryable: true,
    facts: { target: name },
  });
}
