import type { Metrics } from '../runtime/metrics.ts';
import { noTracer, type Span, type Tracer } from '../runtime/tracing.ts';
import type { InferenceRequested } from '../schemas/generated/types.ts';
import type { LoggedEvent } from '../streams/event.ts';
import { processSpan } from '../streams/runner/trace-batch.ts';
import type { Counts, Ending, WorkerIdentity } from './terminal.ts';

type Requested = LoggedEvent & { readonly type: 'InferenceRequested'; readonly data: InferenceRequested };

/** Watches one request: a handful of calls per inference, none per token. */
export interface RunWatch {
  /** W3C traceparent for what the request leads to. */
  readonly trace: string | null;
  /** The engine begins, for the first time or again. */
  generating(): void;
  firstToken(): void;
  /** The engine stopped, with an answer or without. */
  stopped(): void;
  /** The inference ended here. */
  ended(ending: Ending, counts: Counts): void;
  /** The request is off our hands; `code` of the error if it was given up. */
  closed(code: string | null): void;
}

export type WatchRun = (request: Requested) => RunWatch;

/** Buckets of OpenTelemetry's GenAI conventions in seconds; those of the first token go on to 80 s. */
const FIRST_TOKEN = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];
const PER_TOKEN = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const DURATION = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const LABELS = ['gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model'] as const;

const QUIET = { kind: 'consumer', parent: null } as const;

/** Engines that ask a server elsewhere: their spans are a client's. */
const REMOTE: ReadonlySet<string> = new Set(['openai-compatible']);

/** Opens the metrics and spans of a worker's inferences, under the names of the GenAI conventions. */
export function watchRuns(
  role: { readonly metrics: Metrics; readonly tracer: Tracer },
  worker: WorkerIdentity,
  model: string,
  group: string,
): WatchRun {
  const { metrics, tracer } = role;
  const firstToken = metrics.histogram(
    'gen_ai_server_time_to_first_token_seconds',
    'From taking a request to the first token of an answer that completed.',
    FIRST_TOKEN,
    LABELS,
  );
  const perToken = metrics.histogram(
    'gen_ai_server_time_per_output_token_seconds',
    'Mean time per token after the first, of answers that completed.',
    PER_TOKEN,
    LABELS,
  );
  const duration = metrics.histogram(
    'gen_ai_server_request_duration_seconds',
    'From taking a request to the last token.',
    DURATION,
    [...LABELS, 'error_type'],
  );
  const waited = metrics.histogram(
    'steno_worker_slot_wait_seconds',
    'From taking a request to the start of the engine.',
    FIRST_TOKEN,
  );
  const labels = {
    gen_ai_operation_name: 'chat',
    gen_ai_provider_name: worker.engine,
    gen_ai_request_model: model,
  };

  return (request) => {
    // A request without a trace (of a caller that sends none while nobody collects) starts none here.
    const traced = tracer.on && request.trace !== null;
    const processing = traced ? processSpan(tracer, group, request) : noTracer.start('', QUIET);
    const takenAt = performance.now();
    let firstAt: number | null = null;
    let lastAt = takenAt;
    let chat: Span | null = null;
    return {
      trace: processing.traceparent,
      generating() {
        if (chat !== null) return;
        waited.observe((performance.now() - takenAt) / 1000);
        chat = (traced ? tracer : noTracer).start(`chat ${request.data.route.model}`, {
          kind: REMOTE.has(worker.engine) ? 'client' : 'internal',
          parent: processing.traceparent,
          ...(traced ? { attributes: askedOf(request.data, worker) } : {}),
        });
      },
      firstToken() {
        firstAt ??= performance.now();
      },
      stopped() {
        lastAt = performance.now();
      },
      ended(ending, counts) {
        const failure = ending.type === 'failed' ? ending.code : '';
        duration.observe((lastAt - takenAt) / 1000, { ...labels, error_type: failure });
        if (ending.type === 'completed' && firstAt !== null) {
          firstToken.observe((firstAt - takenAt) / 1000, labels);
          const later = counts.completionTokens - 1;
          if (later > 0) perToken.observe((lastAt - firstAt) / 1000 / later, labels);
        }
        if (traced) chat?.set(answeredWith(request.data, ending, counts, firstAt, takenAt));
        if (failure !== '') chat?.fail(failure);
        chat?.end();
      },
      closed(code) {
        if (code !== null) {
          chat?.fail(code);
          processing.fail(code);
        }
        chat?.end();
        processing.end();
      },
    };
  };
}

function askedOf({ route, parameters, conversationId }: InferenceRequested, worker: WorkerIdentity) {
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': worker.engine,
    'gen_ai.conversation.id': conversationId,
    'gen_ai.request.model': route.model,
    'gen_ai.request.stream': true,
    'gen_ai.request.max_tokens': parameters.maxTokens,
    'gen_ai.request.temperature': parameters.temperature,
    'gen_ai.request.top_p': parameters.topP,
    ...(parameters.seed === null ? {} : { 'gen_ai.request.seed': parameters.seed }),
    'steno.pool': route.pool,
    'steno.tier': route.tier,
  };
}

function answeredWith(
  { route, inferenceId }: InferenceRequested,
  ending: Ending,
  counts: Counts,
  firstAt: number | null,
  takenAt: number,
) {
  return {
    'gen_ai.response.id': inferenceId,
    'gen_ai.response.model': route.model,
    'gen_ai.response.finish_reasons': [ending.type === 'completed' ? ending.finishReason : ending.type],
    'gen_ai.usage.input_tokens': counts.promptTokens,
    'gen_ai.usage.output_tokens': counts.completionTokens,
    'gen_ai.usage.cache_read.input_tokens': counts.cachedTokens,
    ...(firstAt === null ? {} : { 'gen_ai.response.time_to_first_chunk': (firstAt - takenAt) / 1000 }),
  };
}
