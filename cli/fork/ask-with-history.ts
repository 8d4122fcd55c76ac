import { EventSourceParserStream } from 'eventsource-parser/stream';
import { z } from 'zod';
import type { ChatMessage } from '../../replay/chat-message.ts';
import { StenoError } from '../../runtime/errors.ts';
import { noGateway } from '../ask/explain-unreachable.ts';

const chunk = z.object({
  choices: z.array(z.object({ delta: z.object({ content: z.string().nullish() }) })).default([]),
  error: z.object({ message: z.string() }).optional(),
});
const refusal = z.object({ error: z.object({ message: z.string() }) });

/**
 * Begins a conversation with a history (POST /v1/chat/completions) and hands over its answer as it comes. Returns the id of the
 * new conversation. Throws StenoError `not_running`, `gateway_refused` and `connection_lost`.
 */
export async function askWithHistory(options: {
  readonly url: string;
  readonly key: string | null;
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** Carried with the message and shown in the history. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly onText: (text: string) => void;
  readonly signal: AbortSignal;
}): Promise<string> {
  const { url, model, messages, metadata, onText, signal } = options;
  const response = await send(options, '/v1/chat/completions', {
    method: 'POST',
    body: JSON.stringify({ model, messages, metadata, stream: true }),
    signal,
  });
  const conversationId = response.headers.get('x-steno-conversation');
  if (response.body === null || conversationId === null)
    throw new StenoError('gateway_refused', `${url} is no gateway of Steno`);
  const events = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { data } of events) {
    if (data === '[DONE]') return conversationId;
    const { choices, error } = chunk.parse(JSON.parse(data));
    if (error !== undefined) throw new StenoError('gateway_refused', error.message);
    for (const { delta } of choices) onText(delta.content ?? '');
  }
  throw new StenoError('connection_lost', 'the gateway went away before the answer was whole', {
    fix: `see the rest with steno replay conversation ${conversationId} --content`,
  });
}

/** Throws StenoError `gateway_refused` unless the caller's own tenant has the conversation. */
export async function checkOwn(
  options: { readonly url: string; readonly key: string | null; readonly signal: AbortSignal },
  conversationId: string,
): Promise<void> {
  const path = `/v1/conversations/${encodeURIComponent(conversationId)}`;
  await (await send(options, path, { signal: options.signal })).body?.cancel();
}

async function send(
  { url, key }: { readonly url: string; readonly key: string | null },
  path: string,
  init: RequestInit,
): Promise<Response> {
  const headers = {
    'content-type': 'application/json',
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
  };
  const response = await fetch(url + path, { ...init, headers }).catch((error: unknown) => {
    if (init.signal?.aborted === true) throw error;
    throw noGateway(url, error);
  });
  if (response.ok) return response;
  const told = refusal.safeParse(await response.json().catch(() => null));
  const why = told.success ? told.data.error.message : `it answered ${response.status}`;
  throw new StenoError('gateway_refused', `${path}: ${why}`);
}
