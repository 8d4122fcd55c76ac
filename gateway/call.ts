import { randomUUID } from 'node:crypto';

/** Who asks: always from the credential, never from the request's text. */
export type Caller = { readonly tenantId: string; readonly principal: string };

/** One request or frame on its way through the gateway. */
export type Call = {
  readonly caller: Caller;
  readonly requestId: string;
  /** W3C traceparent handed to the log. */
  readonly trace: string;
};

const SANE_ID = /^[\w.:-]{1,128}$/;
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Returns the caller's request id if it is harmless, else a fresh one. */
export function requestIdOf(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' && SANE_ID.test(header) ? header : `req_${randomUUID()}`;
}

/** Returns the caller's traceparent if it is well formed, else the start of a new trace. */
export function traceOf(header: string | readonly string[] | undefined): string {
  if (typeof header === 'string' && TRACEPARENT.test(header)) return header;
  const traceId = randomUUID().replaceAll('-', '');
  // A UUID's last 12 digits are random, as are its first 8.
  const spanId = randomUUID().replaceAll('-', '');
  return `00-${traceId}-${spanId.slice(0, 8)}${spanId.slice(-8)}-01`;
}
