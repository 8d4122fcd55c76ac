import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import { parseConfig } from '../../../../runtime/config.ts';
import { createMetrics, type Metrics } from '../../../../runtime/metrics.ts';
import { isTraceparent, noTracer, type Tracer } from '../../../../runtime/tracing.ts';
import { openTracer } from '../../../../runtime/tracing/open-tracer.ts';
import { startOtlpReceiver } from '../../../support/otlp-receiver.ts';

/** Packages of OpenTelemetry that were asked for so far. */
const loaded: string[] = [];
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('@opentelemetry/')) loaded.push(specifier);
    return next(specifier, context);
  },
});

const PARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

async function open(
  url: string,
  more: Record<string, string> = {},
): Promise<{ tracer: Tracer; metrics: Metrics }> {
  const metrics = createMetrics('gateway');
  const config = parseConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...more });
  return { tracer: await openTracer(config, 'gateway', metrics), metrics };
}

async function counted(metrics: Metrics, line: RegExp): Promise<number> {
  return Number(line.exec(await metrics.render())?.[1] ?? 0);
}

test('without a collector OpenTelemetry is not even loaded, and a caller is handed on', async () => {
  const tracer = await openTracer(parseConfig({}), 'gateway', createMetrics('gateway'));
  assert.equal(tracer, noTracer);
  assert.equal(tracer.start('x', { kind: 'server', parent: PARENT }).traceparent, PARENT);
  assert.equal(tracer.start('x', { kind: 'server', parent: null }).traceparent, null);
  assert.deepEqual(loaded, []);
});

test('a span keeps its trace, names its parent and link, and is flushed by the stop', async () => {
  const collector = await startOtlpReceiver();
  const { tracer, metrics } = await open(collector.url);
  const span = tracer.start('process topic', {
    kind: 'consumer',
    parent: PARENT,
    linked: true,
    attributes: { text: 'a', number: 1.5, yes: true, list: ['x', 'y'] },
  });
  span.set({ whole: 7 });
  span.fail('engine_failed');
  span.end();
  span.end();
  assert.ok(span.traceparent !== null && isTraceparent(span.traceparent));
  await tracer.stop();
  await collector.stop();
  assert.deepEqual(collector.spans, [
    {
      service: 'steno-gateway',
      name: 'process topic',
      kind: 'consumer',
      traceId: 'a'.repeat(32),
      spanId: span.traceparent.split('-')[2],
      parentId: 'b'.repeat(16),
      links: ['b'.repeat(16)],
      attributes: {
        text: 'a',
        number: 1.5,
        yes: true,
        list: ['x', 'y'],
        whole: 7,
        'error.type': 'engine_failed',
      },
      hasError: true,
    },
  ]);
  assert.equal(await counted(metrics, /^steno_spans_exported_total\{.*\} (\d+)$/m), 1);
  assert.ok(loaded.length > 0, 'the hook sees what is loaded');
});

test('what is not sampled is handed on as such and not sent', async () => {
  const collector = await startOtlpReceiver();
  const { tracer } = await open(collector.url, {
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  });
  const root = tracer.start('root', { kind: 'server', parent: null });
  assert.match(root.traceparent ?? '', /-00$/);
  const child = tracer.start('child', { kind: 'internal', parent: root.traceparent });
  assert.equal(child.traceparent?.split('-')[1], root.traceparent?.split('-')[1]);
  for (const span of [child, root]) span.end();
  const foreign = tracer.start('foreign', { kind: 'server', parent: PARENT });
  foreign.end();
  await tracer.stop();
  await collector.stop();
  assert.deepEqual(
    collector.spans.map(({ name }) => name),
    ['foreign'],
  );
});

test('a collector that refuses costs spans, which are counted', async () => {
  const collector = await startOtlpReceiver(400);
  const { tracer, metrics } = await open(collector.url);
  for (let index = 0; index < 3; index += 1) tracer.start('x', { kind: 'internal', parent: null }).end();
  await tracer.stop();
  await collector.stop();
  assert.equal(await counted(metrics, /^steno_spans_dropped_total\{.*export_failed.*\} (\d+)$/m), 3);
});

test('memory is bounded while nobody collects', async () => {
  const { tracer, metrics } = await open('http://127.0.0.1:9');
  const all = 5_000;
  for (let index = 0; index < all; index += 1) tracer.start('x', { kind: 'internal', parent: null }).end();
  const dropped = await counted(metrics, /^steno_spans_dropped_total\{.*queue_full.*\} (\d+)$/m);
  const queued = await counted(metrics, /^steno_spans_queued\{.*\} (\d+)$/m);
  assert.ok(dropped > 0);
  assert.equal(dropped + queued, all);
  // Resolves although nobody answers.
  await tracer.stop();
});
