import { sseBlocks, sseEvent } from './sse-event.ts';

/** An event as a subscriber gets it. */
export type Delivered = {
  readonly id: string;
  readonly type: string;
  readonly subject?: string;
  readonly stenotopic: string;
  readonly stenopartition: number;
  readonly stenooffset: number;
  readonly data: Readonly<Record<string, unknown>>;
};

/** What one connection brought. */
export type Connection = {
  readonly events: Delivered[];
  /** Names of the events that are not of the log, in order. */
  readonly told: string[];
  /** Id of the last event, with data or without. */
  cursor: string | null;
};

/** Subscribes once and reads until the stream ends, `enough` says so, or the signal aborts; null cursor to begin by `query`. */
export async function subscribeOnce(
  url: string,
  query: string,
  options: {
    readonly key?: string;
    readonly cursor?: string | null;
    readonly enough?: (seen: Connection) => boolean;
    readonly signal?: AbortSignal;
    /** Called after each event; what it waits for keeps the stream from being read. */
    readonly onEvent?: (event: Delivered) => void | Promise<void>;
  } = {},
): Promise<Connection> {
  const { key, cursor = null, enough = () => false, signal } = options;
  const seen: Connection = { events: [], told: [], cursor };
  const ending = new AbortController();
  const response = await fetch(`${url}/v1/events?${query}`, {
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(cursor === null ? {} : { 'last-event-id': cursor }),
    },
    signal: signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]),
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  try {
    for await (const block of sseBlocks(response)) {
      seen.cursor = /^id: (.*)$/m.exec(block)?.[1] ?? seen.cursor;
      const found = sseEvent(block);
      if (found === null) continue;
      if (found.event === 'message') {
        // Events of the log have the shape of a CloudEvent.
        const event = found.data as unknown as Delivered;
        seen.events.push(event);
        await options.onEvent?.(event);
      } else seen.told.push(found.event);
      if (enough(seen)) return seen;
    }
  } catch (error) {
    if (signal?.aborted !== true && !isCut(error)) throw error;
  } finally {
    ending.abort();
  }
  return seen;
}

/** True for a connection that broke off: what every subscriber has to live with. */
function isCut(error: unknown): boolean {
  return error instanceof TypeError;
}
