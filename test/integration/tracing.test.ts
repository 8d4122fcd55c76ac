import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ChatClient } from '../support/chat-client.ts';
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** One turn is one trace, from the request to the read model, and no span holds what was said. */

const CANARY = 'the-canary-sings-at-4711';
const CALLER = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
let collector: OtlpReceiver;
let platform: Platform;

before(async () => {
  collector = await startOtlpReceiver();
  platform = await startPlatform({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
});
after(async () => {
  await platform.stop();
  await collector.stop();
});

async function ask(text: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const response = await fetch(`${platform.url()}/v1/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ message: text, model: 'scripted' }),
  });
  return response.text();
}

/** Waits for a span of the trace and returns it. */
async function find(
  traceId: string,
  name: string,
  isIt: (span: ReceivedSpan) => boolean = () => true,
): Promise<ReceivedSpan> {
  const found = (): ReceivedSpan | undefined =>
    collector.spans.find((span) => span.traceId === traceId && span.name === name && isIt(span));
  await until(`a span ${name}`, () => found() !== undefined);
  const span = found();
  assert.ok(span);
  return span;
}

test('one turn over HTTP is one trace with the parents and links of its hops', async () => {
  const body = await ask(`${CANARY} [[tokens=12]]`, {
    traceparent: `00-${CALLER.traceId}-${CALLER.spanId}-01`,
  });
  assert.match(body, /event: done/);
  const { traceId } = CALLER;
  const topic = (name: string): string => `${platform.cluster.prefix}.${name}.v1`;
  const conversations = topic('conversations');
  const requests = topic('inference-requests.scripted.interactive');
  const of =
    (service: string, type: string) =>
    (span: ReceivedSpan): boolean =>
      span.service === service && span.attributes['steno.event.type'] === type;

  const server = await find(traceId, 'POST /v1/chat');
  assert.equal(server.parentId, CALLER.spanId);
  assert.equal(server.kind, 'server');
  assert.equal(server.attributes['http.response.status_code'], 200);
  assert.equal(server.attributes['http.route'], '/v1/chat');

  const sent = await find(traceId, `send ${conversations}`, of('steno-gateway', 'MessageSubmitted'));
  assert.equal(sent.parentId, server.spanId);
  assert.equal(sent.kind, 'producer');

  const prepared = await find(
    traceId,
    `process ${conversations}`,
    of('steno-processors', 'MessageSubmitted'),
  );
  assert.equal(prepared.parentId, sent.spanId);
  assert.deepEqual(prepared.links, [sent.spanId]);
  assert.equal(prepared.kind, 'consumer');
  assert.equal(prepared.attributes['messaging.system'], 'kafka');
  assert.equal(prepared.attributes['messaging.destination.name'], conversations);
  assert.equal(
    prepared.attributes['messaging.consumer.group.name'],
    `${platform.cluster.prefix}-prepare-turn`,
  );
  assert.match(String(prepared.attributes['messaging.destination.partition.id']), /^\d+$/);
  assert.equal(typeof prepared.attributes['messaging.kafka.offset'], 'number');

  const requested = await find(traceId, `send ${requests}`);
  assert.equal(requested.parentId, prepared.spanId);
  const taken = await find(traceId, `process ${requests}`);
  assert.deepEqual([taken.parentId, taken.links], [requested.spanId, [requested.spanId]]);

  const chat = await find(traceId, 'chat scripted');
  assert.equal(chat.parentId, taken.spanId);
  const { attributes } = chat;
  assert.equal(attributes['gen_ai.operation.name'], 'chat');
  assert.equal(attributes['gen_ai.provider.name'], 'scripted');
  assert.match(String(attributes['gen_ai.conversation.id']), /^conv_/);
  assert.equal(attributes['gen_ai.request.model'], 'scripted');
  assert.equal(attributes['gen_ai.response.model'], 'scripted');
  assert.deepEqual(attributes['gen_ai.response.finish_reasons'], ['stop']);
  assert.equal(attributes['gen_ai.usage.output_tokens'], 12);
  assert.ok(Number(attributes['gen_ai.usage.input_tokens']) > 0);
  assert.equal(chat.hasError, false);

  const ended = await find(
    traceId,
    `send ${conversations}`,
    of('steno-inference-worker', 'InferenceCompleted'),
  );
  assert.equal(ended.parentId, taken.spanId);
  const shown = await find(
    traceId,
    `process ${conversations}`,
    of('steno-projections', 'InferenceCompleted'),
  );
  assert.deepEqual([shown.parentId, shown.links], [ended.spanId, [ended.spanId]]);
  await find(traceId, `process ${conversations}`, of('steno-processors', 'InferenceCompleted'));
  const seen = collector.spans.filter((span) => span.traceId === traceId);
  assert.ok(seen.length < 30, `${seen.length} spans for 12 tokens: one per token?`);
});

test('a WebSocket message starts a trace of its own, and a failed inference says why', async () => {
  const client = new ChatClient(() => platform.url());
  const answer = await client.ask({ text: `${CANARY} [[fail=after:2]]`, model: 'scripted' });
  client.close();
  assert.equal(answer.outcome, 'failed');
  const isOurs = (span: ReceivedSpan): boolean =>
    span.attributes['gen_ai.response.id'] === answer.inferenceId;
  await until('its chat span', () => collector.spans.some(isOurs));
  const chat = collector.spans.find(isOurs);
  assert.ok(chat);
  assert.equal(chat.hasError, true);
  assert.equal(chat.attributes['error.type'], answer.code);
  const server = await find(chat.traceId, 'message /v1/chat');
  assert.equal(server.parentId, '');
  assert.notEqual(chat.traceId, CALLER.traceId);
});

test('a trace that its caller does not sample is not sent', async () => {
  const traceId = 'c'.repeat(32);
  await ask('hello', { traceparent: `00-${traceId}-${CALLER.spanId}-00` });
  const later = 'd'.repeat(32);
  await ask('hello', { traceparent: `00-${later}-${CALLER.spanId}-01` });
  await find(later, 'POST /v1/chat');
  assert.equal(collector.spans.filter((span) => span.traceId === traceId).length, 0);
});

test('no span holds what was said', () => {
  assert.ok(collector.bodies.length > 0);
  for (const body of collector.bodies) assert.equal(body.includes(CANARY), false);
});

test('a collector that is gone costs spans, which are counted, and no turn', async () => {
  await collector.stop();
  assert.match(await ask('hello [[tokens=3]]'), /event: done/);
  await until('lost spans are counted', async () => {
    const metrics = await (await fetch(`${platform.url()}/metrics`)).text();
    const line = /^steno_spans_dropped_total\{.*reason="export_failed".*\} (\d+)$/m.exec(metrics);
    return Number(line?.[1] ?? 0) > 0;
  });
  assert.match(await ask('hello again [[tokens=3]]'), /event: done/);
  collector = await startOtlpReceiver();
});
