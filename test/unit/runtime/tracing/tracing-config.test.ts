import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../../runtime/config.ts';

const COLLECTOR = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };

test('nothing is traced unless a collector is named', () => {
  assert.equal(parseConfig({}).tracing, null);
  assert.equal(parseConfig({ OTEL_SERVICE_NAME: 'chat' }).tracing, null);
  assert.equal(parseConfig({ ...COLLECTOR, OTEL_TRACES_EXPORTER: 'none' }).tracing, null);
  assert.equal(parseConfig({ ...COLLECTOR, OTEL_SDK_DISABLED: 'true' }).tracing, null);
});

test("OpenTelemetry's names mean here what they mean elsewhere", () => {
  assert.deepEqual(parseConfig({ OTEL_TRACES_EXPORTER: 'otlp' }).tracing, {
    ...{ url: null, headers: {}, sampler: 'parentbased_always_on', ratio: 1 },
    ...{ serviceName: null, resource: {} },
  });
  const found = parseConfig({
    ...COLLECTOR,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20abc=, x-tenant=ours',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
    OTEL_SERVICE_NAME: 'chat',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging',
  }).tracing;
  assert.deepEqual(found, {
    url: 'http://collector:4318/v1/traces',
    headers: { authorization: 'Basic abc=', 'x-tenant': 'ours' },
    sampler: 'parentbased_traceidratio',
    ratio: 0.25,
    serviceName: 'chat',
    resource: { 'deployment.environment.name': 'staging' },
  });
  const own = { ...COLLECTOR, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:9/x' };
  assert.equal(parseConfig(own).tracing?.url, 'http://traces:9/x');
});

test('a setting that nobody can follow is refused by name', () => {
  const bad = [
    ['OTEL_TRACES_SAMPLER', 'sometimes'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4317'],
  ] as const;
  for (const [name, value] of bad)
    assert.throws(() => parseConfig({ ...COLLECTOR, [name]: value }), { message: new RegExp(name) });
});
