import {
  itemIdOf,
  itemJson,
  itemStatus,
  partJson,
  statusOf,
  type ResponseFacts,
  type ResponseState,
} from './response.ts';
import { numberEvents, type ResponseEvents } from './numbered-events.ts';

/** Events before the first delta: created, in_progress, output_item.added, content_part.added. */
export const PREAMBLE = 4;

/**
 * The events of an answer without tools: one message. The `sequence_number` of the delta with seq n is `PREAMBLE + n`, that of
 * what ends it follows.
 */
export function messageEventsOf(facts: ResponseFacts, startingAfter = -1): ResponseEvents {
  const item = JSON.stringify(itemIdOf(facts.inferenceId));
  const place = `"item_id":${item},"output_index":0,"content_index":0`;
  const numbered = numberEvents(facts, startingAfter);
  const { event, lifecycle, begin } = numbered;
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
      const isUnknown = numbered.next < number && holdsDeltas() && startingAfter <= number;
      if (shown !== '' || isUnknown) return numbered.reset(opened);
      return { text: opened + fillTo(seq + 1), isOver: false };
    },
    end(seq, end) {
      const opened = open();
      if (isCutUnknown(seq)) return numbered.reset(opened);
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
      if (isCutUnknown(seq)) return numbered.reset(opened);
      const state: ResponseState = { type: 'failed', text: shown, problem };
      return { text: opened + fillTo(seq) + lifecycle('response.failed', state), isOver: true };
    },
    broken: numbered.broken,
  };

  function open(): string {
    const begun = begin();
    if (numbered.next >= PREAMBLE) return begun;
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
    while (numbered.next < PREAMBLE + seq) text += piece('');
    return text;
  }

  function piece(text: string): string {
    return event('response.output_text.delta', `${place},"delta":${JSON.stringify(text)},"logprobs":[]`);
  }

  /** True if the client came with deltas. */
  function holdsDeltas(): boolean {
    return startingAfter >= PREAMBLE;
  }

  /** True where the record does not say where its deltas end and the client has only some of them. */
  function isCutUnknown(seq: number): boolean {
    return numbered.next < PREAMBLE + seq && holdsDeltas() && startingAfter < PREAMBLE + seq - 1;
  }
}
