import { errorCode } from '../../runtime/errors.ts';
import type { Span, Tracer } from '../../runtime/tracing.ts';
import type { LoggedEvent } from '../event.ts';

/** A record read again long after it was appended (a rebuild, a replay) is no hop of its trace. */
const FRESH_MS = 5 * 60_000;

/** A span `process <topic>` of one event, part of the event's trace and linked to whoever appended it. */
export function processSpan(tracer: Tracer, group: string, event: LoggedEvent): Span {
  return tracer.start(`process ${event.topic}`, {
    kind: 'consumer',
    parent: event.trace,
    linked: true,
    attributes: {
      'messaging.system': 'kafka',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': event.topic,
      'messaging.destination.partition.id': String(event.partition),
      'messaging.consumer.group.name': group,
      'messaging.kafka.offset': event.offset,
      'steno.event.type': event.type,
    },
  });
}

/**
 * Hands events over with a span for each one that belongs to a trace; each carries its span, so that what it leads to
 * is part of it. The spans end when the handler has.
 */
export function handleTraced(
  tracer: Tracer,
  group: string,
  events: readonly LoggedEvent[],
  handle: (events: readonly LoggedEvent[]) => void | Promise<void>,
): void | Promise<void> {
  const now = Date.now();
  const spans: Span[] = [];
  const traced = events.map((event): LoggedEvent => {
    if (event.trace === null || now - event.time > FRESH_MS) return event;
    const span = processSpan(tracer, group, event);
    spans.push(span);
    return { ...event, trace: span.traceparent };
  });
  const end = (): void => {
    for (const span of spans) span.end();
  };
  const fail = (error: unknown): never => {
    for (const span of spans) span.fail(errorCode(error));
    end();
    throw error;
  };
  try {
    const handled = handle(traced);
    if (handled !== undefined) return handled.then(end, fail);
  } catch (error) {
    return fail(error);
  }
  end();
}
