import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchRuns } from '../../../inference-workers/run-watch.ts';
import type { WorkerIdentity } from '../../../inference-workers/terminal.ts';
import { createMetrics } from '../../../runtime/metrics.ts';
import { noTracer } from '../../../runtime/tracing.ts';
import { given, theOutput } from '../../support/builders-prepare-turn.ts';
import { aFirstMessage } from '../../support/builders.ts';

const worker: WorkerIdentity = {
  ...{
    workerId: 'worker_1',
    model: 'scripted',
    pool: 'scripted',
    producer: { service: 'inference-worker', version: '1.0.0' },
  },
  ...{ engine: 'scripted', modelHash: '', templateHash: '' },
  price: { inputPerMillion: 0, outputPerMillion: 0, currency: '' },
};
const output = theOutput(given([]).when(aFirstMessage('q1')).outputs, 'InferenceRequested');
const request = { ...output, ...{ partition: 0, offset: 0, time: 0, trace: null } };

test('an inference is measured as the GenAI conventions say, at its end and only there', async (context) => {
  let now = 10_000;
  context.mock.method(performance, 'now', () => now);
  const metrics = createMetrics('inference-worker');
  const watch = watchRuns({ metrics, tracer: noTracer }, worker, 'small', 'workers-small');
  const value = async (name: string, labels = ''): Promise<number | null> => {
    const line = (await metrics.render())
      .split('\n')
      .find((each) => each.startsWith(`${name}{`) && each.includes(labels));
    return line === undefined ? null : Number(line.split(' ').at(-1));
  };

  const run = watch(request);
  now += 500;
  run.generating();
  now += 1_000;
  run.firstToken();
  now += 2_000;
  run.stopped();
  now += 50_000;
  assert.equal(await value('gen_ai_server_request_duration_seconds_count'), null);
  run.ended(
    { type: 'completed', finishReason: 'stop' },
    { promptTokens: 5, completionTokens: 21, cachedTokens: 0 },
  );
  run.closed(null);
  const model = 'gen_ai_request_model="small"';
  assert.equal(await value('gen_ai_server_time_to_first_token_seconds_sum', model), 1.5);
  assert.equal(await value('gen_ai_server_time_per_output_token_seconds_sum', model), 0.1);
  assert.equal(await value('gen_ai_server_request_duration_seconds_sum', model), 3.5);
  assert.equal(await value('steno_worker_slot_wait_seconds_sum'), 0.5);
  for (const bucket of ['20', '40', '80'])
    assert.equal(await value('gen_ai_server_time_to_first_token_seconds_bucket', `le="${bucket}"`), 1);

  const failing = watch(request);
  failing.generating();
  failing.firstToken();
  failing.stopped();
  failing.ended(
    { type: 'failed', code: 'engine_failed', reason: '', retryable: false },
    { promptTokens: 5, completionTokens: 1, cachedTokens: 0 },
  );
  assert.equal(await value('gen_ai_server_request_duration_seconds_count', 'error_type="engine_failed"'), 1);
  assert.equal(await value('gen_ai_server_time_to_first_token_seconds_count', model), 1);
});
