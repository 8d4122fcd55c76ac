import type { TerminalEvent } from '../../streams/effective-end.ts';
import { foldEnding, noEnding, type Ending } from '../../streams/effective-end.ts';
import type { EventOf } from '../../schemas/generated/types.ts';
import { readDelta, startReading, type Reading, type ReplyEvent } from '../../streams/read-deltas.ts';
import { sha256 } from '../../streams/ids.ts';
import { aCompletion, anAttempt, inferenceOf } from './builders.ts';

/**
 * A small model of the stream protocol: a first worker that knows nothing of the others, takers, and prepare-turn with
 * its deadline, each a few steps long. Records are words, so that states can be compared:
 * `F:claim:attempt` a fence, `D:claim:seq:text` a delta, `T:claim:attempt:nextSeq:bytes:text` a terminal event,
 * `E:<terminal>` an InferenceEnded.
 */
export type ModelState = {
  readonly replies: readonly string[];
  readonly record: readonly string[];
  /** Steps done by the first worker. */
  readonly first: number;
  readonly takers: readonly TakerState[];
  /** Records of the conversation's log that prepare-turn has folded. */
  readonly folded: number;
  /** The deadline runs as a taker that calls no model. */
  readonly deadline: TakerState;
  /** prepare-turn may crash once between an append and its commit. */
  readonly crashed: boolean;
};

type TakerState = {
  readonly step: 'idle' | 'looked' | 'fenced' | 'running' | 'done';
  readonly attempt: number;
  readonly start: string;
  readonly text: string;
  readonly pieces: readonly number[];
  readonly nextSeq: number;
};

type RecordEvent = TerminalEvent | EventOf<'AttemptStarted'>;

const idle: TakerState = { step: 'idle', attempt: 0, start: '', text: '', pieces: [], nextSeq: 0 };
const FIRST_TEXTS = ['a0', 'a1'];

/** The state before anybody moved, with so many takers; the deadline may be left out to keep the model small. */
export function modelStart(takers: number, deadline: boolean): ModelState {
  const none = { replies: [], record: [], first: 0, folded: 0, crashed: false };
  const first = deadline ? idle : ({ ...idle, step: 'done' } as const);
  return { ...none, deadline: first, takers: Array.from({ length: takers }, () => idle) };
}

/** Returns every state that one append, or one look at a log, can lead to. Nobody has to move: that is a crash. */
export function modelMoves(state: ModelState, deltasOfTaker: number): readonly ModelState[] {
  const moves = [moveFirst(state), ...moveFold(state)];
  for (const [index, taker] of state.takers.entries()) {
    const put = (next: TakerState): Pick<ModelState, 'takers'> => ({
      takers: state.takers.with(index, next),
    });
    moves.push(moveTaker(state, taker, `t${index}`, deltasOfTaker, put));
  }
  moves.push(moveDeadline(state));
  return moves.filter((move) => move !== null);
}

/** prepare-turn alone, after everybody else stopped for good: a fresh deadline, and all folds that follow. */
export function endAlone(state: ModelState): ModelState {
  let now: ModelState = { ...state, deadline: idle, crashed: true };
  for (;;) {
    const next = moveFold(now)[0] ?? moveDeadline(now, 'again');
    if (next === undefined || next === null) return now;
    now = next;
  }
}

/** The terminal events that count, by the one rule that everybody uses. */
export function effectiveEnds(state: ModelState): readonly string[] {
  let ending = noEnding;
  return state.record.filter((word) => {
    const [next, effective] = foldEnding(ending, recordEvent(word));
    ending = next;
    return effective;
  });
}

/** The reply partition's event of a word. */
export const replyEvent = remembered((word: string): ReplyEvent => {
  const [kind, claim = '', number = '', text = ''] = word.split(':');
  if (kind === 'F') return anAttempt('q1', Number(number), claim);
  if (kind === 'E') return endedOf(word.slice(2));
  const content = { text, sealed: null, keyId: null };
  const data = {
    inferenceId: inferenceOf('q1'),
    claim,
    seq: Number(number),
    reset: false,
    text: content,
    tokens: 1,
    tokenIds: [],
  };
  return { type: 'InferenceDelta', data };
});

/** The conversation's event of a word. */
export const recordEvent = remembered((word: string): RecordEvent => {
  const [kind, claim = '', attempt = '', nextSeq = '', bytes = '', text = ''] = word.split(':');
  if (kind === 'F') return anAttempt('q1', Number(attempt), claim);
  const deltaBytes = bytes === '' ? [] : bytes.split(',').map(Number);
  return aCompletion('q1', text, { claim, attempt: Number(attempt), nextSeq: Number(nextSeq), deltaBytes });
});

/** What a reader of all replies knows. */
export function readAll(replies: readonly string[]): Reading {
  return replies.reduce<Reading>((reading, word) => readDelta(reading, replyEvent(word))[0], startReading);
}

/** The same word always makes the same event: it is made once. */
function remembered<T>(make: (word: string) => T): (word: string) => T {
  const known = new Map<string, T>();
  return (word) => {
    const event = known.get(word) ?? make(word);
    known.set(word, event);
    return event;
  };
}

function foldAll(record: readonly string[]): Ending {
  return record.reduce<Ending>((ending, word) => foldEnding(ending, recordEvent(word))[0], noEnding);
}

function moveFirst(state: ModelState): ModelState | null {
  const { replies, record, first } = state;
  // The attempt travels in the same request as the first delta.
  if (first === 0) return { ...state, first: 1, replies: [...replies, 'F:a:1', 'D:a:0:a0'] };
  if (first === 1) return { ...state, first: 2, replies: [...replies, 'D:a:1:a1'] };
  if (first === 2) return { ...state, first: 3, record: [...record, `T:a:1:2:2,2:${FIRST_TEXTS.join('')}`] };
  return null;
}

function moveTaker(
  state: ModelState,
  taker: TakerState,
  claim: string,
  deltas: number,
  put: (next: TakerState) => Partial<ModelState>,
): ModelState | null {
  const { replies, record } = state;
  const { attempt, text, pieces, nextSeq } = taker;
  const done = { ...taker, step: 'done' } as const;
  switch (taker.step) {
    case 'idle': {
      const reading = readAll(replies);
      if (reading.ended !== null) return { ...state, ...put(done) };
      return { ...state, ...put({ ...taker, step: 'looked', attempt: Math.max(2, reading.attempt + 1) }) };
    }
    case 'looked': {
      const fenced = [...replies, `F:${claim}:${attempt}`];
      const reading = readAll(fenced);
      const won = reading.ended === null && reading.claim === claim;
      const left = { text: reading.text, start: reading.text, nextSeq: reading.nextSeq };
      const had = reading.text === '' ? [] : [reading.text.length];
      return {
        ...state,
        replies: fenced,
        ...put(won ? { ...taker, ...left, pieces: had, step: 'fenced' } : done),
      };
    }
    case 'fenced': {
      const fenced = [...record, `F:${claim}:${attempt}`];
      const ending = foldAll(fenced);
      const ours = !ending.ended && ending.fence === attempt;
      return { ...state, record: fenced, ...put(ours ? { ...taker, step: 'running' } : done) };
    }
    case 'running': {
      if (text.length === taker.start.length + 2 * deltas) {
        return {
          ...state,
          record: [...record, `T:${claim}:${attempt}:${nextSeq}:${pieces.join()}:${text}`],
          ...put(done),
        };
      }
      const more = { ...taker, text: text + claim, pieces: [...pieces, 2], nextSeq: nextSeq + 1 };
      return { ...state, replies: [...replies, `D:${claim}:${nextSeq}:${claim}`], ...put(more) };
    }
    case 'done':
      return null;
  }
}

function moveDeadline(state: ModelState, claim = 'pt'): ModelState | null {
  // Its failure is appended by the fold that meets its fence.
  if (state.deadline.step === 'running') return null;
  return moveTaker(state, state.deadline, claim, 0, (deadline) => {
    // It appends the fence and does not look further: the fold decides.
    const after = state.deadline.step === 'fenced' ? ({ ...deadline, step: 'running' } as const) : deadline;
    return { deadline: after };
  });
}

/** Folds the next record; a crash after the append makes the next life fold and append the same again. */
function moveFold(state: ModelState): readonly ModelState[] {
  const word = state.record[state.folded];
  if (word === undefined) return [];
  const before = foldAll(state.record.slice(0, state.folded));
  const [after, effective] = foldEnding(before, recordEvent(word));
  const saved = { ...state, folded: state.folded + 1 };
  if (effective) {
    const told = [...state.replies, `E:${word}`];
    // Its deadline begins again in its next life.
    const deadline = state.deadline.step === 'done' ? state.deadline : idle;
    const lives = [{ ...saved, replies: told }];
    return state.crashed ? lives : [...lives, { ...state, replies: told, crashed: true, deadline }];
  }
  const { deadline } = state;
  const isOwn =
    deadline.step === 'running' && /^F:(pt|again):/.test(word) && word.endsWith(`:${deadline.attempt}`);
  if (!isOwn || after.ended || after.fence !== deadline.attempt) return [saved];
  const { attempt, text, nextSeq, pieces } = deadline;
  const failure = `T:${word.split(':')[1] ?? ''}:${attempt}:${nextSeq}:${pieces.join()}:${text}`;
  return [{ ...saved, record: [...state.record, failure], deadline: { ...deadline, step: 'done' } }];
}

function endedOf(terminal: string): ReplyEvent {
  const { data } = recordEvent(terminal);
  const [, claim = '', , nextSeq = '', , text = ''] = terminal.split(':');
  return {
    type: 'InferenceEnded',
    data: {
      inferenceId: data.inferenceId,
      conversationId: data.conversationId,
      messageId: 'q1',
      outcome: 'completed',
      claim,
      seq: Number(nextSeq),
      textBytes: text.length,
      textHash: sha256(text),
      recordedAt: 0,
      recordPartition: 0,
      recordOffset: 0,
      model: 'model',
      finishReason: 'stop',
      code: null,
      reason: null,
      retryable: false,
      promptTokens: 0,
      completionTokens: 0,
      cachedTokens: 0,
      submittedAt: 0,
    },
  };
}
