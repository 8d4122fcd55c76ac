import { problemBody, type Problem } from '../../problems.ts';
import { streamReset } from '../answer-problem.ts';
import { responseJson, type ResponseFacts, type ResponseState } from './response.ts';

/** What to write; `isOver` once nothing follows. */
export type Written = { readonly text: string; readonly isOver: boolean };

/**
 * Builds the events of a streamed response, each a whole server-sent event, from an answer that is told from its first
 * delta. Every event has a `sequence_number`, which is the same whoever reads, from the deltas or from the record. Events
 * up to `startingAfter` are left out, -1 for none.
 */
export interface ResponseEvents {
  /** The response is taken in; safe to call twice. */
  begin(): string;
  delta(seq: number, text: string): string;
  /** Text that was shown cannot be taken back: then the stream is over. */
  reset(seq: number): Written;
  end(seq: number, end: Extract<ResponseState, { readonly type: 'ended' }>['end']): Written;
  failed(seq: number, problem: Problem): Written;
  /** The stream broke and the answer goes on: says so under the number that the client has come to. */
  broken(problem: Problem): string;
}

/** Numbers the events of one response. */
export interface NumberedEvents {
  /** Number of the event that comes next. */
  readonly next: number;
  readonly event: (type: string, fields: string) => string;
  readonly lifecycle: (type: string, state: ResponseState) => string;
  readonly begin: () => string;
  readonly broken: (problem: Problem) => string;
  /** What ends a stream whose text was taken back, after what comes before. */
  readonly reset: (before: string) => Written;
}

export function numberEvents(facts: ResponseFacts, startingAfter: number): NumberedEvents {
  let next = 0;

  function event(type: string, fields: string): string {
    const number = next;
    next += 1;
    if (number <= startingAfter) return '';
    return `event: ${type}\ndata: {"type":"${type}","sequence_number":${number},${fields}}\n\n`;
  }
  function lifecycle(type: string, state: ResponseState): string {
    return event(type, `"response":${JSON.stringify(responseJson(facts, state))}`);
  }
  return {
    get next() {
      return next;
    },
    event,
    lifecycle,
    begin() {
      if (next > 0) return '';
      const running: ResponseState = { type: 'running' };
      return lifecycle('response.created', running) + lifecycle('response.in_progress', running);
    },
    broken: (problem) => errorEvent(problem, Math.max(0, next - 1, startingAfter)),
    reset: (before) => ({
      text: before + errorEvent(streamReset, Math.max(next, startingAfter + 1)),
      isOver: true,
    }),
  };
}

/** An error in both shapes: older SDKs raise only what lies under `error`. */
function errorEvent(problem: Problem, number: number): string {
  const { code, message, param } = problem;
  const flat = JSON.stringify({ type: 'error', code, message, param, sequence_number: number });
  return `event: error\ndata: ${flat.slice(0, -1)},${problemBody(problem).slice(1)}\n\n`;
}
