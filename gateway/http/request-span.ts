import type { ServerResponse } from 'node:http';
import type { Tracer } from '../../runtime/tracing.ts';
import type { Operation } from './operations.ts';

/** What probes and pages ask for belongs to no turn. */
const TRACED: ReadonlySet<Operation['tag']> = new Set(['chat', 'history']);

/**
 * Returns the traceparent of a request: of a span that ends when the client was answered or is gone; where nothing is
 * traced, the caller's own.
 */
export function traceRequest(
  tracer: Tracer,
  operation: Operation,
  callers: string | null,
  response: ServerResponse,
): string | null {
  if (!tracer.on || !TRACED.has(operation.tag)) return callers;
  const span = tracer.start(`${operation.method} ${operation.path}`, {
    kind: 'server',
    parent: callers,
    attributes: {
      'http.request.method': operation.method,
      'http.route': operation.path,
      'url.scheme': 'http',
      // The path itself may name a conversation, and a query may hold a token.
      'url.path': operation.path,
    },
  });
  response.once('close', () => {
    const { statusCode, writableFinished } = response;
    span.set({ 'http.response.status_code': statusCode });
    if (statusCode >= 500) span.fail(String(statusCode));
    else if (!writableFinished) span.fail('client_gone');
    span.end();
  });
  return span.traceparent;
}
