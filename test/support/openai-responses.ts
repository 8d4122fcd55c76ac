import assert from 'node:assert/strict';
import type NewestOpenAI from 'openai';
import { collect } from './collect.ts';

type Client = NewestOpenAI;
export type ResponseEvent = NewestOpenAI.Responses.ResponseStreamEvent;
type Asked = NewestOpenAI.Responses.ResponseCreateParamsNonStreaming;

/** The inference that a response's id names. */
export function inferenceOfResponse(responseId: unknown): string {
  return String(responseId).replace(/^resp_/, 'inf_');
}

/** Streams a response to its end. */
export async function streamed(
  client: Client,
  asked: Asked,
  headers: Readonly<Record<string, string>> = {},
): Promise<readonly ResponseEvent[]> {
  return collect(await client.responses.create({ ...asked, stream: true }, { headers }));
}

/** Reads the events of a response after a number; all of them without one. */
export async function resumed(
  client: Client,
  id: string,
  startingAfter?: number,
): Promise<readonly ResponseEvent[]> {
  const after = startingAfter === undefined ? {} : { starting_after: startingAfter };
  return collect(await client.responses.retrieve(id, { stream: true, ...after }));
}

export function textOfEvents(events: readonly ResponseEvent[]): string {
  return events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
}

/** The response that an event carries. */
export function responseIn(event: ResponseEvent | undefined): NewestOpenAI.Responses.Response {
  assert.ok(event !== undefined && 'response' in event, `no response in ${event?.type ?? 'nothing'}`);
  return event.response;
}

/** Throws unless the events are one response in the order of the format, numbered from 0 without a gap. */
export function assertWhole(events: readonly ResponseEvent[], last: string): void {
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    [...events.keys()],
  );
  const types = events.map(({ type }) => type);
  const closing = last === 'response.failed' ? 1 : 4;
  assert.deepEqual(types.slice(0, 4), [
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
  ]);
  assert.ok(types.slice(4, -closing).every((type) => type === 'response.output_text.delta'));
  const done = ['response.output_text.done', 'response.content_part.done', 'response.output_item.done', last];
  assert.deepEqual(types.slice(-closing), done.slice(-closing));
}
