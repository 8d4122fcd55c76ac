import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import {
  ROOT_CONTEXT,
  SpanKind as OtelKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span as OtelSpan,
  type SpanContext,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import {
  ATTR_ERROR_TYPE,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_NAMESPACE,
  ATTR_SERVICE_VERSION,
} from '@opentelemetry/semantic-conventions';
import type { Metrics } from '../metrics.ts';
import { isTraceparent, type Span, type SpanAttributes, type SpanKind, type Tracer } from '../tracing.ts';
import { readVersion } from '../version.ts';
import { countedSpans } from './counted-spans.ts';
import { samplerOf } from './sampler.ts';
import type { TracingConfig } from './tracing-config.ts';

/** What a stop may cost: a collector that is gone must not hold a role up. */
const FLUSH_MS = 2_000;

const KINDS: Readonly<Record<SpanKind, OtelKind>> = {
  server: OtelKind.SERVER,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
  client: OtelKind.CLIENT,
  internal: OtelKind.INTERNAL,
};

/** Sends spans to an OpenTelemetry collector, over HTTP as protobuf, in batches. */
export function openOtlpTracer(config: TracingConfig, role: string, metrics: Metrics): Tracer {
  const exporter = new OTLPTraceExporter({
    ...(config.url === null ? {} : { url: config.url }),
    headers: { ...config.headers },
  });
  const provider = new TracerProvider({
    sampler: samplerOf(config.sampler, config.ratio),
    spanProcessors: [countedSpans(exporter, metrics)],
    resource: defaultResource().merge(
      resourceFromAttributes({
        [ATTR_SERVICE_NAMESPACE]: 'steno',
        [ATTR_SERVICE_NAME]: config.serviceName ?? `steno-${role}`,
        [ATTR_SERVICE_VERSION]: readVersion(),
        [ATTR_SERVICE_INSTANCE_ID]: `${hostname()}-${process.pid}`,
        ...config.resource,
      }),
    ),
  });
  const tracer = provider.getTracer('steno', readVersion());
  return {
    on: true,
    start(name, { kind, parent, linked, attributes }) {
      const from = parent === null ? null : contextOf(parent);
      return wrap(
        tracer.startSpan(
          name,
          {
            kind: KINDS[kind],
            attributes: toOtel(attributes ?? {}),
            links: linked === true && from !== null ? [{ context: from }] : [],
          },
          from === null ? ROOT_CONTEXT : remote(from),
        ),
      );
    },
    async stop() {
      await Promise.race([
        provider.shutdown().catch(() => undefined),
        pause(FLUSH_MS, undefined, { ref: false }),
      ]);
    },
  };
}

/** Null for what is no traceparent: a foreign header starts a trace of its own. */
function contextOf(traceparent: string): SpanContext | null {
  if (!isTraceparent(traceparent)) return null;
  const [, traceId, spanId, flags] = traceparent.split('-');
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function remote(parent: SpanContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

function wrap(span: OtelSpan): Span {
  const { traceId, spanId, traceFlags } = span.spanContext();
  let ended = false;
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    set(attributes) {
      if (!ended) span.setAttributes(toOtel(attributes));
    },
    fail(code) {
      if (ended) return;
      span.setAttribute(ATTR_ERROR_TYPE, code);
      span.setStatus({ code: SpanStatusCode.ERROR });
    },
    end() {
      if (ended) return;
      ended = true;
      span.end();
    },
  };
}

/** OpenTelemetry's type asks for arrays it may change. */
function toOtel(attributes: SpanAttributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, typeof value === 'object' ? [...value] : value]),
  );
}
