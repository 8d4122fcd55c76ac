/** Client of Steno's gateways: streams answers over lost connections, restarts and gateways that go away. */

/** Opens a client. Nothing is connected before the first message. Throws StenoError `invalid_option`. */
export function connect(options?: ClientOptions): StenoClient;

export type ClientOptions = {
  /**
   * Address of a gateway, such as `https://chat.example.com`, or of several: when one is gone, the next is tried. The
   * page's own origin if left out.
   */
  readonly url?: string | readonly string[] | undefined;
  /**
   * API key or client token; an empty one is not sent. Sent as the first frame, never in an address. A function is asked
   * before each connection: for tokens that end, which your own server makes.
   */
  readonly key?: string | (() => string | Promise<string>) | undefined;
  /** A constructor of WebSockets, where there is no global one. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** An answer of which nothing was heard for so long has failed; 120 000 if left out. */
  readonly giveUpAfterMs?: number | undefined;
  /** A connection that says nothing for so long while an answer is due is replaced; 30 000 if left out. */
  readonly inactivityMs?: number | undefined;
  /** Told whenever the connection changes: for a line such as "reconnecting …". */
  readonly onConnection?: ((connection: Connection) => void) | undefined;
};

export type Connection = {
  /** `idle`: none is needed. `waiting`: lost, the next try follows. `closed`: by `close()`. */
  readonly state: 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';
  /** Address of the WebSocket in use, or of the next one. */
  readonly url: string;
};

export interface StenoClient {
  /** Sends a message, once: under its id it is sent again until a gateway has accepted it, and never doubled. */
  ask(message: string | Message, options?: AskOptions): Answer;
  /** Goes on with an answer after a position that `Answer.position` gave, in this page's life or an earlier one. */
  resume(position: Position, options?: AskOptions): Answer;
  /** Records a judgement of an answer, named by its position or its inference id; resolves to the judgement's id. */
  feedback(answer: Judged, judgement: Judgement): Promise<string>;
  /** Closes the connection. Answers that still run go on at the gateway; here they end with the error `closed`. */
  close(): void;
}

export type AskOptions = {
  /** Aborting it stops the answer, as `stop()` does, and ends it here at once with the error `aborted`. */
  readonly signal?: AbortSignal | undefined;
};

export type Message = {
  /** May be left out where an earlier message is regenerated. */
  readonly text?: string;
  /** Idempotency key, up to 128 letters, digits, `_`, `-`, `.` or `:`; a fresh one if left out. */
  readonly id?: string;
  /** Continues this conversation; a new one begins if left out. */
  readonly conversationId?: string;
  readonly model?: string;
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly seed?: number;
  readonly parentId?: string;
  readonly targetId?: string;
  readonly kind?: 'message' | 'regenerate' | 'edit';
  /** Stops an answer that still runs in the conversation. */
  readonly interrupt?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
};

/** An answer. Each `for await` reads it from its beginning; leaving the loop stops nothing. */
export interface Answer extends AsyncIterable<Part> {
  /**
   * Resolves to the whole text, also of an answer that was stopped. `onText` is told the text so far after every
   * change: after a `reset` it is shorter. Rejects with StenoError.
   */
  text(onText?: (soFar: string) => void): Promise<string>;
  /** Resolves to how the answer ended. Rejects with StenoError. */
  done(): Promise<DonePart>;
  /** Asks to stop the answer. Its recorded end follows as part `done` with outcome `cancelled`. */
  stop(): void;
  /** The message's id, or this resume's. */
  readonly id: string;
  /** Where the answer stands for who read it: plain data to keep, for `resume`. Null before it was accepted. */
  readonly position: Position | null;
}

export type Position = {
  /**
   * Resume token. Whoever has it and a key of the tenant may read the answer. Without it the inference id must be there,
   * the key must be its owner's, and the gateway has to look the answer up.
   */
  readonly token?: string;
  readonly inferenceId?: string;
  /** Seq of the last part that was read; -1, or left out, for the whole answer. */
  readonly after?: number;
};

export type Part = AcceptedPart | TextPart | ResetPart | DonePart;

/** The message is on the log: it will be answered, whatever happens to this client. Not part of a resumed answer. */
export type AcceptedPart = {
  readonly type: 'accepted';
  readonly inferenceId: string;
  readonly messageId: string;
  readonly conversationId: string;
};

export type TextPart = { readonly type: 'text'; readonly seq: number; readonly text: string };

/** All text before it is taken back. */
export type ResetPart = { readonly type: 'reset'; readonly seq: number };

/** The recorded end. */
export type DonePart = {
  readonly type: 'done';
  readonly seq: number;
  readonly outcome: 'completed' | 'cancelled';
  /** Such as `stop` or `length`. */
  readonly finishReason: string | null;
  /** What answered; null where the message was stopped before it was sent. */
  readonly model: string | null;
  readonly usage: Usage | null;
};

export type Usage = {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly cachedTokens: number;
};

/** An answer's position, or `inferenceId` alone: a token spares the gateway a look-up. */
export type Judged = Pick<Position, 'inferenceId'> & Partial<Pick<Position, 'token'>>;

export type Judgement = {
  /** 1 up, -1 down, 0 neither. */
  readonly thumb?: 1 | -1 | 0;
  /** 1 to 5. */
  readonly rating?: number;
  readonly labels?: readonly string[];
  readonly comment?: string;
  readonly correction?: string;
};

/** Every error of this client. */
export class StenoError extends Error {
  readonly name: 'StenoError';
  /**
   * Stable and in snake_case: the gateway's own code, or `connection_lost`, `no_answer`, `invalid_api_key`,
   * `too_large`, `aborted`, `closed`, `invalid_option`.
   */
  readonly code: string;
  /** True if the same may succeed later: ask again, or resume after `position`. */
  readonly retryable: boolean;
  /** One sentence that tells a person what to do; null where nobody knows. */
  readonly fix: string | null;
  /** The field that is wrong, if one is. */
  readonly param: string | null;
  constructor(code: string, message: string, options?: StenoErrorOptions);
}

export type StenoErrorOptions = {
  readonly retryable?: boolean;
  readonly fix?: string | null;
  readonly param?: string | null;
  readonly cause?: unknown;
};

/** What the client needs of a WebSocket: the global one and that of the package `ws` have it. */
export interface WebSocketLike {
  send(data: string): void;
  close(code?: number): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number }) => void): void;
}

export type WebSocketConstructor = new (url: string) => WebSocketLike;
