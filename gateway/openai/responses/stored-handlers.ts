import { openAnswerSink } from '../../http/answer-sink.ts';
import type { Exchange, Handlers } from '../../http/exchange.ts';
import { endProblem, refuse } from '../../problems.ts';
import type { Signals } from '../../signals.ts';
import type { FlushLater } from '../../streams/flush-queue.ts';
import type { OpenStreams } from '../../streams/open-streams.ts';
import type { StreamReader } from '../../streams/stream-reader.ts';
import { answerProblem } from '../answer-problem.ts';
import type { FindResponse, FoundResponse } from './find-response.ts';
import { openResponseSink } from './response-sink.ts';
import { responseJson, type InferenceView, type ResponseState } from './response.ts';

/** How long a call that stops a response waits for its end: a worker that is gone is replaced later. */
const END_WAIT_MS = 5_000;

/** What is asked of a response that exists: at any gateway, while it is made and ever after. */
export function storedResponseHandlers(deps: {
  readonly find: FindResponse;
  readonly streams: OpenStreams;
  readonly signals: Signals;
  readonly flushLater: FlushLater;
}): Pick<Handlers, 'readResponse' | 'cancelResponse' | 'deleteResponse'> {
  const { find, streams, signals, flushLater } = deps;

  return {
    async readResponse({ params, query }, exchange) {
      const isStream = query.stream === 'true';
      const startingAfter = query.starting_after ?? null;
      if (startingAfter !== null && !isStream) {
        throw refuse('invalid_request', 'starting_after goes with stream', {
          param: 'starting_after',
          fix: 'add stream=true',
        });
      }
      const found = await find.known(exchange.call, params.id, { settled: !isStream });
      if (isStream) return resume(found, exchange, startingAfter ?? -1);
      return { status: 200, body: bodyOf(found) };
    },

    async cancelResponse({ params }, exchange) {
      const { call } = exchange;
      const place = await find.place(call, params.id);
      const { status } = await signals.cancel(call, { token: null, inferenceId: place.inferenceId });
      if (status === 'stopping')
        await waitForEnd(await find.known(call, params.id, { settled: true }), exchange);
      return { status: 200, body: bodyOf(await find.known(call, params.id, { settled: true })) };
    },

    async deleteResponse({ params }, { call }) {
      await find.place(call, params.id);
      throw refuse('not_supported', 'the log keeps every response: this one cannot be deleted');
    },
  };

  function resume({ place, view, facts }: FoundResponse, exchange: Exchange, startingAfter: number): null {
    streams.checkRoom();
    const { response, headers } = exchange.takeOver();
    let reader: StreamReader | null = null;
    const sink = openResponseSink({
      response,
      headers: { ...headers, 'x-steno-inference': place.inferenceId },
      facts,
      startingAfter,
      flushLater,
      onClose: () => reader?.close(),
    });
    // From the first delta, whatever the client has: the sink leaves that out.
    reader = streams.resume({ call: exchange.call, place, terminal: view.terminal, cursor: -1, sink });
    return null;
  }

  async function waitForEnd({ place, view }: FoundResponse, exchange: Exchange): Promise<void> {
    if (view.terminal !== null) return;
    const sink = openAnswerSink();
    const timer = setTimeout(() => sink.close(), END_WAIT_MS);
    exchange.onGone(() => sink.close());
    const reader = streams.resume({ call: exchange.call, place, terminal: null, cursor: -1, sink });
    await sink.answer;
    clearTimeout(timer);
    reader.close();
  }
}

function bodyOf({ view, facts }: FoundResponse): object {
  return responseJson(facts, stateOf(view));
}

function stateOf(view: InferenceView): ResponseState {
  const { status, model, finishReason, promptTokens, completionTokens, cachedTokens } = view;
  const text = view.text ?? '';
  switch (status) {
    case 'running':
      return { type: 'running' };
    case 'completed':
    case 'cancelled':
      return {
        type: 'ended',
        text,
        end: { outcome: status, finishReason, model, promptTokens, completionTokens, cachedTokens },
      };
    case 'failed':
    case 'rejected': {
      const problem = endProblem(view.code, view.reason, view.retryable);
      return { type: 'failed', text, problem: answerProblem(problem, 'input') };
    }
  }
}
