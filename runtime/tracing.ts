/** Facts of a span, under the names of the OpenTelemetry conventions. Never message text, keys or tokens. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export type SpanKind = 'server' | 'producer' | 'consumer' | 'client' | 'internal';

export type SpanOptions = {
  readonly kind: SpanKind;
  /** W3C traceparent of what this is part of; null starts a trace. */
  readonly parent: string | null;
  /** True where the parent made the message that is worked on here: the span links to it too. */
  readonly linked?: boolean;
  readonly attributes?: SpanAttributes;
};

/** One piece of work. What is told after its end is lost. */
export interface Span {
  /** W3C traceparent to hand on. Where nothing is traced, the parent's. */
  readonly traceparent: string | null;
  set(attributes: SpanAttributes): void;
  /** Marks it as failed; `code` is a stable error code, never a message. */
  fail(code: string): void;
  end(): void;
}

/** Where spans go. It never throws, and a collector that is gone costs spans and nothing else. */
export interface Tracer {
  /** False where nobody collects: then a hot path need not even gather attributes. */
  readonly on: boolean;
  start(name: string, options: SpanOptions): Span;
  /** Sends what is left, for two seconds at most. */
  stop(): Promise<void>;
}

/** Collects nothing; a caller's traceparent is still handed on. */
export const noTracer: Tracer = {
  on: false,
  start: (_name, { parent }) => untraced(parent),
  stop: () => Promise.resolve(),
};

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** True for a well-formed W3C traceparent of version 00. */
export function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text);
}

function untraced(traceparent: string | null): Span {
  return { traceparent, set: nothing, fail: nothing, end: nothing };
}

function nothing(): void {
  // Nobody collects.
}
