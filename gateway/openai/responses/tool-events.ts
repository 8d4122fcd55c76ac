import { createToolReader, type ToolPiece, type WrittenCall } from '../../../streams/tool-calls.ts';
import { numberEvents, type ResponseEvents } from './numbered-events.ts';
import {
  callJson,
  itemIdOf,
  itemJson,
  itemStatus,
  partJson,
  statusOf,
  type ResponseFacts,
  type ResponseState,
} from './response.ts';

/** The item that is being told. */
type Open =
  | { readonly type: 'message'; readonly text: string }
  | { readonly type: 'call'; readonly index: number; readonly call: WrittenCall };

/**
 * The events of an answer that may call tools: a message if something is said, and an item for each call. How many events a
 * delta makes depends on what it says, so they are counted from the first.
 */
export function toolEventsOf(facts: ResponseFacts, startingAfter = -1): ResponseEvents {
  const numbered = numberEvents(facts, startingAfter);
  const { event, lifecycle, begin } = numbered;
  let reader = createToolReader();
  let output = -1;
  let open: Open | null = null;
  let told = '';
  let nextSeq: number | null = null;

  return {
    begin,
    delta(seq, text) {
      nextSeq = seq + 1;
      told += text;
      return begin() + reader.push(text).map(piece).join('');
    },
    reset(seq) {
      const begun = begin();
      if (told !== '') return numbered.reset(begun);
      [reader, nextSeq] = [createToolReader(), seq + 1];
      return { text: begun, isOver: false };
    },
    end(seq, end) {
      const begun = begin();
      if (isCutUnknown(seq)) return numbered.reset(begun);
      const state: ResponseState = { type: 'ended', text: told, end };
      const last = statusOf(state) === 'completed' ? 'response.completed' : 'response.incomplete';
      const rest = reader.end().map(piece).join('');
      // Of an answer that says nothing there is a message that says nothing.
      const said = rest + (output < 0 ? piece({ type: 'text', text: '' }) : '');
      return { text: begun + said + close(itemStatus(state)) + lifecycle(last, state), isOver: true };
    },
    failed(seq, problem) {
      const begun = begin();
      if (isCutUnknown(seq)) return numbered.reset(begun);
      const state: ResponseState = { type: 'failed', text: told, problem };
      return { text: begun + lifecycle('response.failed', state), isOver: true };
    },
    broken: numbered.broken,
  };

  /** True where the record does not say where its deltas end and the client has some of them. */
  function isCutUnknown(seq: number): boolean {
    return nextSeq !== null && nextSeq !== seq && startingAfter > 1;
  }

  function piece(found: ToolPiece): string {
    switch (found.type) {
      case 'text': {
        const opened = open?.type === 'message' ? '' : openMessage();
        open = { type: 'message', text: (open?.type === 'message' ? open.text : '') + found.text };
        return (
          opened +
          event(
            'response.output_text.delta',
            `${messagePlace()},"delta":${JSON.stringify(found.text)},"logprobs":[]`,
          )
        );
      }
      case 'call': {
        const closed = close('completed');
        const call = { name: found.name, arguments: '' };
        open = { type: 'call', index: found.index, call };
        return closed + added(callJson(facts, found.index, call, 'in_progress'));
      }
      case 'arguments': {
        if (open?.type !== 'call') return '';
        const { index, call } = open;
        open = { type: 'call', index, call: { ...call, arguments: call.arguments + found.text } };
        return event(
          'response.function_call_arguments.delta',
          `${callPlace(open)},"delta":${JSON.stringify(found.text)}`,
        );
      }
    }
  }

  function openMessage(): string {
    const closed = close('completed');
    return (
      closed +
      added(itemJson(facts, 'in_progress', [])) +
      event('response.content_part.added', `${messagePlace()},"part":${JSON.stringify(partJson(''))}`)
    );
  }

  function added(item: object): string {
    output += 1;
    return event('response.output_item.added', `"output_index":${output},"item":${JSON.stringify(item)}`);
  }

  function close(status: string): string {
    const closing = open;
    open = null;
    if (closing === null) return '';
    const done = (item: object): string =>
      event('response.output_item.done', `"output_index":${output},"item":${JSON.stringify(item)}`);
    if (closing.type === 'call') {
      const { name, arguments: given } = closing.call;
      return (
        event(
          'response.function_call_arguments.done',
          `${callPlace(closing)},"name":${JSON.stringify(name)},"arguments":${JSON.stringify(given)}`,
        ) + done(callJson(facts, closing.index, closing.call, status))
      );
    }
    const part = partJson(closing.text);
    return (
      event(
        'response.output_text.done',
        `${messagePlace()},"text":${JSON.stringify(closing.text)},"logprobs":[]`,
      ) +
      event('response.content_part.done', `${messagePlace()},"part":${JSON.stringify(part)}`) +
      done(itemJson(facts, status, [part]))
    );
  }

  function messagePlace(): string {
    return `"item_id":${JSON.stringify(itemIdOf(facts.inferenceId))},"output_index":${output},"content_index":0`;
  }

  function callPlace({ index, call }: Extract<Open, { readonly type: 'call' }>): string {
    const { id } = callJson(facts, index, call, '');
    return `"item_id":${JSON.stringify(id)},"output_index":${output}`;
  }
}
