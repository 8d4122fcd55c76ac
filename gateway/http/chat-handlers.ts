import type { Submit } from '../submit.ts';
import type { Locate } from '../locate.ts';
import { problemOf, refuse, type Problem } from '../problems.ts';
import { submissionOf } from '../requests.ts';
import type { Signals } from '../signals.ts';
import type { FlushLater } from '../streams/flush-queue.ts';
import type { OpenStreams } from '../streams/open-streams.ts';
import type { StreamReader } from '../streams/stream-reader.ts';
import { openAnswerSink, type Answer, type AnswerSink } from './answer-sink.ts';
import type { Exchange, Handlers } from './exchange.ts';
import { keyOf } from './idempotency-key.ts';
import { problemReply } from './problem-reply.ts';
import { openSseSink } from './sse-sink.ts';
import { streamAnswer } from './stream-answer.ts';

/** After this time a client that waits for a whole answer is told that it goes on without it. */
const ANSWER_WAIT_MS = 30_000;

type ChatHandlers = Pick<Handlers, 'converse' | 'chat' | 'resume' | 'cancel' | 'giveFeedback'>;

export function chatHandlers(deps: {
  readonly submit: Submit;
  readonly streams: OpenStreams;
  readonly locate: Locate;
  readonly signals: Signals;
  readonly flushLater: FlushLater;
}): ChatHandlers {
  const { submit, streams, locate, signals, flushLater } = deps;
  return {
    async converse({ body }, exchange) {
      const { message, conversation_id, model_type, max_tokens } = body;
      const started = performance.now();
      const sink = openAnswerSink();
      let names: Readonly<Record<string, string>> = {};
      let conversationId = '';
      const reader = await submit({
        call: exchange.call,
        transport: 'conversation',
        submission: submissionOf(message, { conversation_id, model: model_type, max_tokens }),
        key: keyOf(exchange),
        clientId: null,
        openSink(place, token) {
          names = { 'x-steno-inference': place.inferenceId, 'x-steno-resume-token': token };
          ({ conversationId } = place);
          return sink;
        },
      });
      const answer = await waitForAnswer(reader, sink, exchange);
      // The client is gone: nobody reads what is answered.
      if (answer === null) return null;
      if ('status' in answer) return problemReply(answer, names);
      const { promptTokens, completionTokens } = answer.end;
      return {
        status: 200,
        headers: names,
        body: {
          response: answer.text,
          conversation_id: conversationId,
          tokens_used: promptTokens + completionTokens,
          latency_ms: Math.round((performance.now() - started) * 100) / 100,
        },
      };
    },

    async chat({ body }, exchange) {
      const { message, ...fields } = body;
      const incoming = {
        call: exchange.call,
        transport: 'chat',
        submission: submissionOf(message, fields),
        key: keyOf(exchange),
        clientId: null,
      } as const;
      await streamAnswer(submit, incoming, ({ place: { inferenceId }, token }, close) => {
        const { response, headers } = exchange.takeOver();
        return openSseSink({
          response,
          inferenceId,
          headers: { ...headers, 'x-steno-inference': inferenceId, 'x-steno-resume-token': token },
          resumed: false,
          flushLater,
          onClose: close,
        });
      });
      return null;
    },

    async resume({ params, query }, exchange) {
      // A browser that reconnects keeps the address and tells in the header how far it came since.
      const cursor = Math.max(query.after ?? -1, cursorOf(exchange.header('last-event-id')));
      const { place, terminal } = await locate.inference(exchange.call, {
        token: query.token ?? null,
        inferenceId: params.id,
      });
      streams.checkRoom();
      const { response, headers } = exchange.takeOver();
      let reader: StreamReader | null = null;
      const sink = openSseSink({
        response,
        inferenceId: place.inferenceId,
        headers: { ...headers, 'x-steno-inference': place.inferenceId },
        resumed: true,
        flushLater,
        onClose: () => reader?.close(),
      });
      reader = streams.resume({
        call: exchange.call,
        place,
        terminal,
        cursor,
        sink,
        paced: query.pace === 'original',
      });
      return null;
    },

    async cancel({ params, body }, { call }) {
      const { inferenceId, status } = await signals.cancel(call, {
        token: body?.token ?? null,
        inferenceId: params.id,
      });
      return { status: 202, body: { inference_id: inferenceId, status } };
    },

    async giveFeedback({ body }, exchange) {
      const id = await signals.giveFeedback(exchange.call, body, keyOf(exchange));
      return { status: 202, body: { feedback_id: id } };
    },
  };
}

async function waitForAnswer(
  reader: StreamReader,
  sink: AnswerSink,
  exchange: Exchange,
): Promise<Answer | Problem | null> {
  const timer = setTimeout(() => {
    sink.error(
      problemOf(
        refuse('answer_timeout', 'no answer within 30 s: it goes on and is found in the history', {
          fix: 'read the conversation later or resume the stream',
        }),
      ),
      null,
    );
  }, ANSWER_WAIT_MS);
  exchange.onGone(() => sink.close());
  const answer = await sink.answer;
  clearTimeout(timer);
  reader.close();
  return answer;
}

function cursorOf(lastEventId: string | null): number {
  return lastEventId !== null && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : -1;
}
