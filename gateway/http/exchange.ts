import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Call } from '../call.ts';
import type { Input, OperationId } from './operations.ts';

/** What a handler answers; null if it took the response over. */
export type Reply = {
  readonly status: number;
  readonly body: string | object;
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

type Handler<Id extends OperationId> = (input: Input<Id>, exchange: Exchange) => Promise<Reply | null>;

export type Handlers = { readonly [Id in OperationId]: Handler<Id> };
