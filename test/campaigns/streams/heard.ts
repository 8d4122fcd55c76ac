import { WebSocket } from 'ws';

/** A frame or event as it came, parsed. */
export type Heard = Readonly<Record<string, unknown>>;

/** The gateway answered with an HTTP error instead of a stream. */
export class HttpRefusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryable: boolean;

  constructor(status: number, code: string, retryable: boolean) {
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
    this.retryable = retryable;
  }
}

/** Opens a WebSocket, sends one frame and gives what comes until the connection ends. Throws if it cannot be opened. */
export async function* overWebSocket(
  gateway: string,
  apiKey: string,
  frame: Heard,
): AsyncGenerator<Heard, void> {
  const socket = new WebSocket(`${gateway.replace('http', 'ws')}/v1/chat`, {
    headers: { authorization: `Bearer ${apiKey}` },
    handshakeTimeout: 5_000,
  });
  const queue: Heard[] = [];
  let closed = false;
  const failures: Error[] = [];
  let wake: () => void = () => undefined;
  socket.on('open', () => socket.send(JSON.stringify(frame)));
  socket.on('message', (data: Buffer) => {
    // Frames are JSON objects.
    queue.push(JSON.parse(data.toString('utf8')) as Heard);
    wake();
  });
  socket.on('error', (error) => failures.push(error));
  socket.on('close', () => {
    closed = true;
    wake();
  });
  try {
    for (;;) {
      const next = queue.shift();
      if (next !== undefined) {
        yield next;
        continue;
      }
      if (closed) break;
      await new Promise<void>((resolve) => (wake = resolve));
    }
    const [failure] = failures;
    if (failure !== undefined) throw failure;
  } finally {
    socket.terminate();
  }
}

/**
 * Asks for server-sent events and gives their data until the stream ends. Throws HttpRefusal for an HTTP error, and
 * whatever the connection throws when it breaks.
 */
export async function* overSse(
  url: string,
  apiKey: string,
  init: {
    readonly method: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  },
): AsyncGenerator<Heard, void> {
  const abort = new AbortController();
  const response = await fetch(url, {
    ...init,
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...init.headers },
    signal: abort.signal,
  });
  if (response.status !== 200) throw await refusalOf(response);
  let rest = '';
  try {
    const body = response.body?.pipeThrough(new TextDecoderStream()) ?? [];
    for await (const chunk of body) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = block.split('\n').find((line) => line.startsWith('data: '));
        // Our events carry JSON objects.
        if (data !== undefined) yield JSON.parse(data.slice(6)) as Heard;
      }
    }
  } finally {
    abort.abort();
  }
}

async function refusalOf(response: Response): Promise<HttpRefusal> {
  const body = (await response.json().catch(() => ({}))) as { error?: { code?: string } };
  const retryable = response.status >= 500 && response.headers.get('x-should-retry') !== 'false';
  return new HttpRefusal(response.status, body.error?.code ?? '', retryable || response.status === 429);
}
