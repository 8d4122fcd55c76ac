import { problemBody, type Problem } from '../../problems.ts';
import type { End } from '../../streams/frames.ts';
import { streamReset } from '../answer-problem.ts';
import {
  itemIdOf,
  itemJson,
  itemStatus,
  partJson,
  responseJson,
  statusOf,
  type ResponseFacts,
  type ResponseState,
} from './response.ts';

/** Events before the first delta: created, in_progress, output_item.added, content_part.added. */
export const PREAMBLE = 4;

/** What to write; `isOver` once nothing follows. */
export type Written = { readonly text: string; readonly isOver: boolean };

/**
 * Builds the events of a streamed response, each a whole server-sent event, from an answer that is told from its first
 * delta. The `sequence_number` of the delta with seq n is `PREAMBLE + n`, that of what ends it follows: so they are the
 * same whoever reads, from the deltas or from the record. Events up to `startingAfter` are left out, -1 for none.
 */
export interface ResponseEvents {
  /** The response is taken in; safe to call twice. */
  begin(): string;
  delta(seq: number, text: string): string;
  /** Text that was shown cannot be taken back: then the stream is over. */
  reset(seq: number): Written;
  end(seq: number, end: End): Written;
  failed(seq: number, problem: Problem): Written;
  /** The stream broke and the answer goes on: says so under the number that the client has come to. */
  broken(problem: Problem): string;
}

export function responseEventsOf(facts: ResponseFacts, startingAfter = -1): ResponseEvents {
  const item = JSON.stringify(itemIdOf(facts.inferenceId));
  const place = `"item_id":${item},"output_index":0,"content_index":0`;
  let next = 0;
  let shown = '';

  return {
    begin,
    delta(seq, text) {
      const before = open() + fillTo(seq);
      shown += text;
      return before + piece(text);
    },
    reset(seq) {
      const opened = open();
      const number = PREAMBLE + seq;
      const isUnknown = next < number && holdsDeltas() && startingAfter <= number;
      if (shown !== '' || isUnknown) return { text: opened + resetError(), isOver: true };
      return { text: opened + fillTo(seq + 1), isOver: false };
    },
    end(seq, end) {
      const opened = open();
      if (isCutUnknown(seq)) return { text: opened + resetError(), isOver: true };
      const state: ResponseState = { type: 'ended', text: shown, end };
      const part = partJson(shown);
      const text = [
        opened,
        fillTo(seq),
        event('response.output_text.done', `${place},"text":${JSON.stringify(shown)},"logprobs":[]`),
        event('response.content_part.done', `${place},"part":${JSON.stringify(part)}`),
        event(
          'response.output_item.done',
          `"output_index":0,"item":${JSON.stringify(itemJson(facts, itemStatus(state), [part]))}`,
        ),
        lifecycle(statusOf(state) === 'completed' ? 'response.completed' : 'response.incomplete', state),
      ].join('');
      return { text, isOver: true };
    },
    failed(seq, problem) {
      const opened = open();
      if (isCutUnknown(seq)) return { text: opened + resetError(), isOver: true };
      const state: ResponseState = { type: 'failed', text: shown, problem };
      return { text: opened + fillTo(seq) + lifecycle('response.failed', state), isOver: true };
    },
    broken: (problem) => errorEvent(problem, Math.max(0, next - 1, startingAfter)),
  };

  function begin(): string {
    if (next > 0) return '';
    const running: ResponseState = { type: 'running' };
    return lifecycle('response.created', running) + lifecycle('response.in_progress', running);
  }

  function open(): string {
    const begun = begin();
    if (next >= PREAMBLE) return begun;
    const added = JSON.stringify(itemJson(facts, 'in_progress', []));
    const part = JSON.stringify(partJson(''));
    return (
      begun +
      event('response.output_item.added', `"output_index":0,"item":${added}`) +
      event('response.content_part.added', `${place},"part":${part}`)
    );
  }

  /** Says nothing under every number up to that of `seq`: where the record holds fewer pieces than were streamed. */
  function fillTo(seq: number): string {
    let text = '';
    while (next < PREAMBLE + seq) text += piece('');
    return text;
  }

  function piece(text: string): string {
    return event('response.output_text.delta', `${place},"delta":${JSON.stringify(text)},"logprobs":[]`);
  }

  function lifecycle(type: string, state: ResponseState): string {
    return event(type, `"response":${JSON.stringify(responseJson(facts, state))}`);
  }

  function event(type: string, fields: string): string {
    const number = next;
    next += 1;
    if (number <= startingAfter) return '';
    return `event: ${type}\ndata: {"type":"${type}","sequence_number":${number},${fields}}\n\n`;
  }

  /** True if the client came with deltas. */
  function holdsDeltas(): boolean {
    return startingAfter >= PREAMBLE;
  }

  /** True where the record does not say where its deltas end and the client has only some of them. */
  function isCutUnknown(seq: number): boolean {
    return next < PREAMBLE + seq && holdsDeltas() && startingAfter < PREAMBLE + seq - 1;
  }

  function resetError(): string {
    return errorEvent(streamReset, Math.max(next, startingAfter + 1));
  }
}

/** An error in both shapes: older SDKs raise only what lies under `error`. */
function errorEvent(problem: Problem, number: number): string {
  const { code, message, param } = problem;
  const flat = JSON.stringify({ type: 'error', code, message, param, sequence_number: number });
  return `event: error\ndata: ${flat.slice(0, -1)},${problemBody(problem).slice(1)}\n\n`;
}
