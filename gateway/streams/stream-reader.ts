import { setTimeout as pause } from 'node:timers/promises';
import type { InferenceAttached, InferenceEnded } from '../../schemas/generated/types.ts';
import { CACHE_ENGINE } from '../../streams/cache-engine.ts';
import { sha256 } from '../../streams/ids.ts';
import { readDelta, startReading, type ReplyEvent } from '../../streams/read-deltas.ts';
import { endProblem, keyMismatch, problemOf, refuse, type Problem } from '../problems.ts';
import type { Place } from '../token.ts';
import type { Accepted, End, FrameSink } from './frames.ts';
import { stepsAfter, stepsToRecord, type RecordedAnswer, type Steps } from './recorded-answer.ts';

/** Reads one inference for one client. */
export interface StreamReader {
  readonly inferenceId: string;
  /** Takes the inference's next record of its reply partition, in log order. */
  handle(event: ReplyEvent): void;
  /** The message is on the log. */
  acknowledge(): void;
  /** True once the client was told that its message is on the log. */
  isAcknowledged(): boolean;
  /** Shows the rest of an answer from its record instead of its deltas. */
  showRecord(recorded: RecordedAnswer): void;
  /** Ends the stream with an error; its inference goes on. */
  fail(error: unknown): void;
  /** Tells the client to go on elsewhere. */
  drain(): void;
  /** Breaks the stream off: the gateway is gone now. */
  breakOff(): void;
  /** True before the first attempt was read. */
  isWaiting(): boolean;
  /** Stops reading without a word; safe to call twice. */
  close(): void;
}

type ReaderOptions = {
  readonly inferenceId: string;
  /** Where the message's own answer lies, unless it repeats an earlier one. */
  readonly place: Pick<Place, 'replyPartition' | 'deltasFrom'>;
  readonly sink: FrameSink;
  /** Last seq that the client has; -1 for none. */
  readonly cursor: number;
  /** True for who wants a finished answer as fast as it was made. */
  readonly paced: boolean;
  /** Of a message just submitted; null for a resume. */
  readonly accepted: Accepted | null;
  readonly readRecord: (partition: number, offset: number) => Promise<RecordedAnswer>;
  /** The message repeats an earlier one: read that one's answer from its first record. */
  readonly onAttached: (reader: StreamReader, attached: InferenceAttached) => void;
  readonly onFirstDelta: () => void;
  readonly onClose: (reader: StreamReader) => void;
};

/** Steps and characters written before the sink is asked whether it can take more: a reader that reads is never cut. */
const STEPS_PER_TURN = 64;
const TEXT_PER_TURN = 32 * 1024;

/** Opens a reader that folds with readDelta and shows what it accepts. */
export function openReader(options: ReaderOptions): StreamReader {
  const { inferenceId, sink, accepted } = options;
  let { place } = options;
  let reading = startReading;
  let cursor = options.cursor;
  let state: 'reading' | 'ending' | 'closed' = 'reading';
  let acknowledged = accepted === null;
  /** True until a message is known to be the first of its id. */
  let fresh = accepted !== null;
  /** An end that may belong to an earlier message of the same id. */
  let held: InferenceEnded | null = null;
  /** What is read gives again what another inference made. */
  let isCached = false;
  let first = true;
  let draining = false;

  const reader: StreamReader = {
    inferenceId,
    handle(event) {
      if (state !== 'reading') return;
      if (sink.isClosed()) return close();
      if (event.type === 'InferenceAttached') return attach(event.data);
      if (event.type === 'InferenceEnded' && fresh && reading.attempt === 0 && event.data.textBytes > 0) {
        held = event.data;
        return;
      }
      acknowledge();
      const [next, verdict] = readDelta(reading, event);
      reading = next;
      switch (verdict.type) {
        case 'ignored':
          return;
        case 'attempt':
          if (event.type !== 'AttemptStarted') return;
          isCached = event.data.engine === CACHE_ENGINE;
          return start(event.data.model);
        case 'delta':
          return showDelta(verdict.seq, verdict.text);
        case 'reset':
          return showReset(verdict.seq);
        case 'end':
          return end(verdict.end);
      }
    },
    acknowledge,
    isAcknowledged: () => acknowledged,
    showRecord(recorded) {
      if (state !== 'reading') return;
      if ('model' in recorded.end) {
        isCached = recorded.end.isCached === true;
        start(recorded.end.model);
      }
      void showSteps(stepsAfter(recorded, cursor), recorded.end);
    },
    fail,
    drain() {
      draining = true;
      // A client whose message is not on the log yet has nothing to go on with elsewhere.
      if (acknowledged && state !== 'closed' && !sink.isClosed()) sink.draining(cursor);
    },
    breakOff() {
      if (state === 'closed') return;
      const left = refuse('draining', 'this gateway went away; the answer goes on', {
        fix: 'resume the stream',
      });
      if (!sink.isClosed()) sink.breakOff(problemOf(left));
      close();
    },
    isWaiting: () => state === 'reading' && reading.attempt === 0,
    close,
  };
  return reader;

  function acknowledge(): void {
    if (acknowledged || accepted === null || state === 'closed') return;
    acknowledged = true;
    sink.accepted(accepted);
    if (draining) sink.draining(cursor);
  }

  function attach(attached: InferenceAttached): void {
    // A resume by the token of a repeat: at its place lies nothing but where the answer really is.
    const isAstray = accepted === null && reading.attempt === 0;
    if (!fresh && !isAstray) return;
    fresh = false;
    // Somebody repeated the message that this reader reads: it was the first and goes on.
    const isFirst =
      attached.replyPartition === place.replyPartition && attached.deltasFrom === place.deltasFrom;
    if (!attached.sameBody && !isFirst) return fail(keyMismatch());
    acknowledge();
    // Read from its very first delta: this reader is the first message's as well as the repeat's.
    if (reading.nextSeq > 0) return;
    if (held !== null) return end(held);
    if (isFirst) return;
    reading = startReading;
    place = attached;
    options.onAttached(reader, attached);
  }

  /** A client that has a part already may have all: then there is nothing to start. */
  function start(model: string): void {
    if (cursor < 0) sink.started(model, isCached);
  }

  function showDelta(seq: number, text: string): void {
    if (first) {
      first = false;
      options.onFirstDelta();
    }
    if (seq <= cursor) return;
    cursor = seq;
    sink.delta(seq, text);
  }

  function showReset(seq: number): void {
    if (seq <= cursor) return;
    cursor = seq;
    sink.reset(seq);
  }

  function end(ended: InferenceEnded): void {
    const last = lastWord(ended, isCached);
    if ('model' in last) start(last.model);
    if (ended.outcome === 'rejected' || sha256(reading.text) === ended.textHash) {
      return finish(reading.nextSeq, last);
    }
    state = 'ending';
    options
      .readRecord(ended.recordPartition, ended.recordOffset)
      .then((recorded) => void showSteps(stepsToRecord(recorded, reading), last), fail);
  }

  async function showSteps({ steps, endSeq }: Steps, last: End | Problem): Promise<void> {
    state = 'ending';
    let written = 0;
    let length = 0;
    for (const step of steps) {
      if (options.paced && step.type === 'delta') await pause(step.afterMs ?? 0);
      if (isClosed()) return close();
      if (step.type === 'reset') showReset(step.seq);
      else showDelta(step.seq, step.text);
      written += 1;
      length += step.type === 'reset' ? 0 : step.text.length;
      if (written < STEPS_PER_TURN && length < TEXT_PER_TURN) continue;
      await sink.writable();
      written = 0;
      length = 0;
    }
    if (isClosed()) return close();
    finish(endSeq, last);
  }

  function isClosed(): boolean {
    return state === 'closed' || sink.isClosed();
  }

  function finish(seq: number, last: End | Problem): void {
    if ('status' in last) sink.error(last, seq);
    else sink.done(seq, last, seq <= cursor);
    close();
  }

  function fail(error: unknown): void {
    if (state === 'closed') return;
    if (!sink.isClosed()) sink.error(problemOf(error), null);
    close();
  }

  function close(): void {
    if (state === 'closed') return;
    state = 'closed';
    options.onClose(reader);
  }
}

function lastWord(ended: InferenceEnded, isCached: boolean): End | Problem {
  const {
    outcome,
    code,
    reason,
    retryable,
    finishReason,
    model,
    promptTokens,
    completionTokens,
    cachedTokens,
  } = ended;
  if (outcome !== 'completed' && outcome !== 'cancelled') return endProblem(code, reason, retryable);
  return { outcome, finishReason, model, promptTokens, completionTokens, cachedTokens, isCached };
}
