/** One server-sent event of ours: its data is a JSON object. */
export type SseEvent = {
  readonly event: string;
  readonly id: string | null;
  readonly data: Record<string, unknown>;
};

/** Reads the lines between two blank lines; null for a comment, which has no data. */
export function sseEvent(block: string): SseEvent | null {
  const field = (name: string): string | null =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim() ?? null;
  const data = field('data');
  if (data === null) return null;
  // Our own events are JSON objects.
  return {
    event: field('event') ?? 'message',
    id: field('id'),
    data: JSON.parse(data) as Record<string, unknown>,
  };
}

/** Yields what lies between two blank lines of a stream, as it comes. Throws where the stream breaks off. */
export async function* sseBlocks(response: Response): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(bytes, { stream: true });
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    yield* blocks;
  }
}
