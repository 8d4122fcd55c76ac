import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Call } from '../call.ts';
import type { Input, Listed, Operation } from './operations.ts';

/** What a handler answers; null if it took the response over. */
export type Reply = {
  readonly status: number;
  /** Bytes and text go out as they are, anything else as JSON. */
  readonly body: string | Buffer | object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly type?: string;
};

/** One HTTP request and the way to answer it. */
export type Exchange = {
  readonly call: Call;
  /** Null for a header that is missing or empty. */
  header(name: string): string | null;
  /** Hands the response to a stream, with the headers that belong to every answer. */
  takeOver(): { readonly response: ServerResponse; readonly headers: OutgoingHttpHeaders };
  /** The client went away, or was answered. */
  onGone(gone: () => void): void;
};

/** One handler for each of the operations `L`. */
export type HandlersOf<L extends Operation> = {
  readonly [Id in L['id']]: (input: Input<L, Id>, exchange: Exchange) => Promise<Reply | null>;
};
export type Handlers = HandlersOf<Listed>;

/** Handlers of any list of operations. */
export type AnyHandlers = Readonly<
  Record<string, (input: never, exchange: Exchange) => Promise<Reply | null>>
>;
