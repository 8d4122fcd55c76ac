import { errorCode } from '../runtime/errors.ts';
import type { Span, Tracer } from '../runtime/tracing.ts';
import type { NewEvent } from './event.ts';
import { isBare } from './headers.ts';

/**
 * Appends with a span `send <topic>` for every event that belongs to a trace; its record carries that span, so that
 * whoever reads it goes on from there. Resolves and throws as `append` does.
 */
export async function appendTraced(
  tracer: Tracer,
  events: readonly NewEvent[],
  append: (events: readonly NewEvent[]) => Promise<void>,
): Promise<void> {
  const spans: Span[] = [];
  const traced = events.map((event): NewEvent => {
    if (event.trace === undefined || event.trace === null || isBare(event.type)) return event;
    const span = tracer.start(`send ${event.topic}`, {
      kind: 'producer',
      parent: event.trace,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': event.topic,
        'messaging.kafka.message.key': event.key,
        ...(event.partition === null
          ? {}
          : { 'messaging.destination.partition.id': String(event.partition) }),
        'steno.event.type': event.type,
      },
    });
    spans.push(span);
    return { ...event, trace: span.traceparent };
  });
  try {
    await append(traced);
  } catch (error) {
    for (const span of spans) span.fail(errorCode(error));
    throw error;
  } finally {
    for (const span of spans) span.end();
  }
}
