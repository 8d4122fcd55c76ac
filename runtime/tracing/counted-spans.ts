import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import { ExportResultCode } from '@opentelemetry/core';
import type { Metrics } from '../metrics.ts';

/** Ended spans that wait for their export; further ones are dropped. */
const MAX_QUEUED = 4_096;
const BATCH = 512;
const EVERY_MS = 1_000;
/** One export, with the exporter's own repeats. */
const EXPORT_MS = 10_000;

/** Batches spans to the exporter, bounded, and counts what became of every one. */
export function countedSpans(exporter: SpanExporter, metrics: Metrics): SpanProcessor {
  const exported = metrics.counter('steno_spans_exported_total', 'Spans that the collector took.');
  const dropped = metrics.counter('steno_spans_dropped_total', 'Spans that were lost.', ['reason']);
  let queued = 0;
  metrics.gauge('steno_spans_queued', 'Spans that wait for their export.', () => queued);

  const counting: SpanExporter = {
    export(spans, done) {
      exporter.export(spans, (result) => {
        queued -= spans.length;
        if (result.code === ExportResultCode.SUCCESS) exported.add({}, spans.length);
        else dropped.add({ reason: 'export_failed' }, spans.length);
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
  const batches = new BatchSpanProcessor({
    exporter: counting,
    maxQueueSize: MAX_QUEUED,
    maxExportBatchSize: BATCH,
    scheduledDelayMillis: EVERY_MS,
    exportTimeoutMillis: EXPORT_MS,
  });
  return {
    onStart: (span, context) => batches.onStart(span, context),
    onEnd(span: ReadableSpan) {
      if (queued >= MAX_QUEUED) {
        dropped.add({ reason: 'queue_full' });
        return;
      }
      queued += 1;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
}
