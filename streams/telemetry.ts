import type { Metrics } from '../runtime/metrics.ts';
import { noTracer, type Tracer } from '../runtime/tracing.ts';

/** What a process tells about its streams. */
export interface StreamTelemetry {
  readonly tracer: Tracer;
  /** Shows how many records an appender has not been acknowledged for. */
  addAppender(name: string, appender: { readonly pending: number }): void;
  /** A group set a record aside. */
  onDeadLetter(group: string): void;
}

/** Tells nothing: for tools that read a log. */
export const noTelemetry: StreamTelemetry = {
  tracer: noTracer,
  addAppender: () => undefined,
  onDeadLetter: () => undefined,
};

export function streamTelemetry(role: {
  readonly tracer: Tracer;
  readonly metrics: Metrics;
}): StreamTelemetry {
  const { tracer, metrics } = role;
  const appenders = new Map<string, { readonly pending: number }>();
  metrics.gauges(
    'steno_append_pending_records',
    'Records handed to the log and not yet acknowledged.',
    ['appender'],
    () => [...appenders].map(([name, { pending }]) => ({ labels: { appender: name }, value: pending })),
  );
  const deadLetters = metrics.counter('steno_dead_letters_total', 'Records that were set aside.', ['group']);
  return {
    tracer,
    addAppender: (name, appender) => void appenders.set(name, appender),
    onDeadLetter: (group) => deadLetters.add({ group }),
  };
}
