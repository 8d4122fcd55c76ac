import { randomUUID } from 'node:crypto';
import type { Grants } from '../policies/identity/grants.ts';
import { isTraceparent } from '../runtime/tracing.ts';

/** Who asks: always from the credential, never from the request's text. */
export type Caller = {
  readonly tenantId: string;
  readonly principal: string;
  /** Id of the API key; null for a caller without one. */
  readonly keyId: string | null;
};

/** One request or frame on its way through the gateway. */
export type Call = {
  readonly caller: Caller;
  /** What its credential is good for. */
  readonly grants: Grants;
  readonly requestId: string;
  /** W3C traceparent handed to the log: of our span, or the caller's where nothing is traced; null for none. */
  readonly trace: string | null;
  /** How old an answer may be that is given again, in seconds; left out where the caller does not say. */
  readonly cacheSeconds?: number;
  /** The language it wants to read, a BCP 47 tag; left out where the caller does not say. */
  readonly locale?: string;
  /** False once the credential was withdrawn or is over; left out where its connection is closed then, and the stream with it. */
  readonly isValid?: () => boolean;
  /** Sets headers of the answer, whatever it will be; left out where answers have none. */
  readonly tell?: (headers: Readonly<Record<string, string>>) => void;
};

const SANE_ID = /^[\w.:-]{1,128}$/;

/** Returns the caller's request id if it is harmless, else a fresh one. */
export function requestIdOf(header: string | readonly string[] | undefined): string {
  return sentRequestId(header) ?? freshRequestId();
}

/** Returns the caller's request id; null where it sent none, or one that is not harmless. */
export function sentRequestId(header: string | readonly string[] | undefined): string | null {
  return typeof header === 'string' && SANE_ID.test(header) ? header : null;
}

export function freshRequestId(): string {
  return `req_${randomUUID()}`;
}

/** Returns what a Cache-Control header (RFC 9111) allows of an answer that is given again; null where it says nothing of it. */
export function cacheSecondsOfHeader(header: string | undefined): number | null {
  if (header === undefined) return null;
  const words = header
    .toLowerCase()
    .split(',')
    .map((word) => word.trim());
  if (words.includes('no-cache') || words.includes('no-store')) return 0;
  const age = words.map((word) => /^max-age=(\d{1,9})$/.exec(word)?.[1]).find((found) => found !== undefined);
  return age === undefined ? null : Number(age);
}

/** Returns the first language of an Accept-Language header (RFC 9110); nothing where it names none. */
export function localeOf(header: string | undefined): Pick<Call, 'locale'> {
  const found = /^\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,3})\s*(?:[,;]|$)/.exec(header ?? '')?.[1];
  return found === undefined ? {} : { locale: found };
}

/** Returns the caller's traceparent if it is well formed, else null. */
export function traceOf(header: string | readonly string[] | undefined): string | null {
  return typeof header === 'string' && isTraceparent(header) ? header : null;
}
