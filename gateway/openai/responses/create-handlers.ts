import type { ConversationQueries } from '../../../projections/conversations/queries.ts';
import { errorCode } from '../../../runtime/errors.ts';
import { openAnswerSink } from '../../http/answer-sink.ts';
import { HEADERS_WAIT_MS } from '../../http/event-stream.ts';
import type { Exchange, Handlers, Reply } from '../../http/exchange.ts';
import { problemReply } from '../../http/problem-reply.ts';
import { awaitAnswer, streamAnswer, type Opened } from '../../http/stream-answer.ts';
import { knownInference } from '../../known-end.ts';
import type { Guard } from '../../guard.ts';
import { fingerprintOf, idsOf } from '../../message.ts';
import { keyMismatch, problemOf, refuse, type Problem } from '../../problems.ts';
import type { Submission } from '../../requests.ts';
import type { FlushLater } from '../../streams/flush-queue.ts';
import type { Incoming, Submit } from '../../submit.ts';
import { answerHeaders, endHeaders } from '../answer-headers.ts';
import { answerProblem } from '../answer-problem.ts';
import { callKeyOf, type CallKey } from '../call-key.ts';
import type { Repeats } from '../repeats.ts';
import type { FindResponse } from './find-response.ts';
import { wantedResponseOf, type WantedResponse } from './response-request.ts';
import { openResponseSink } from './response-sink.ts';
import { factsOfInference, factsOfMessage, responseJson, type ResponseFacts } from './response.ts';

/** One call on its way. */
type Asked = {
  readonly exchange: Exchange;
  readonly incoming: Omit<Incoming, 'openSink'>;
  readonly onEnd: CallKey['onEnd'];
  /** Facts of a message that was sent before; null if this may be the first. */
  readonly first: ResponseFacts | null;
};

/** POST /v1/responses: a message like any other. A client that goes away stops nothing. */
export function createResponseHandlers(deps: {
  readonly submit: Submit;
  readonly guard: Guard;
  readonly find: FindResponse;
  readonly queries: ConversationQueries;
  readonly flushLater: FlushLater;
  readonly repeats: Repeats;
}): Pick<Handlers, 'createResponse'> {
  const { submit, guard, find, queries, flushLater, repeats } = deps;

  return {
    async createResponse({ body }, exchange) {
      const wanted = wantedResponseOf(body);
      const submission = await follow(exchange, wanted);
      const asked = ask(exchange, submission);
      try {
        if (wanted.stream) return await stream(asked);
        return wanted.background ? await begin(asked) : await answer(asked);
      } catch (error) {
        asked.onEnd(problemOf(error));
        throw error;
      }
    },
  };

  /** Throws `previous_response_not_found` where the response to follow is not the caller's. */
  async function follow({ call }: Exchange, { submission, previous }: WantedResponse): Promise<Submission> {
    if (previous === null) return submission;
    try {
      const { conversationId, messageId } = await find.place(call, previous);
      return { ...submission, conversationId, parentId: messageId };
    } catch (error) {
      if (errorCode(error) !== 'not_found') throw error;
      throw refuse('previous_response_not_found', 'the response to follow does not exist', {
        param: 'previous_response_id',
        fix: 'name a response of yours',
      });
    }
  }

  /** Throws `idempotency_mismatch` where the key is known to be another request's. */
  function ask(exchange: Exchange, submission: Submission): Asked {
    const { call } = exchange;
    const { key, mayRepeat, onEnd } = callKeyOf(exchange, 'responses', submission, repeats);
    const known = mayRepeat
      ? knownInference(queries, call.caller.tenantId, idsOf(call, 'responses', submission, key).inferenceId)
      : null;
    if (known !== null && known.bodyFingerprint !== recorded(call, submission)) throw keyMismatch();
    return {
      exchange,
      incoming: { call, transport: 'responses', submission, key, clientId: null },
      onEnd,
      first: known === null ? null : factsOfInference(known),
    };
  }

  /** The fingerprint that the log has of it. */
  function recorded({ caller }: Exchange['call'], submission: Submission): string {
    return fingerprintOf(guard.submission(caller.tenantId, submission).submission);
  }

  async function stream(asked: Asked): Promise<null> {
    const { exchange, incoming, onEnd } = asked;
    await streamAnswer(submit, incoming, (opened, close) => {
      const { response, headers } = exchange.takeOver();
      return openResponseSink({
        response,
        headers: { ...headers, ...answerHeaders(opened.place, opened.token) },
        facts: factsOf(asked, opened),
        startingAfter: null,
        flushLater,
        onEnd,
        onClose: close,
      });
    });
    return null;
  }

  async function answer(asked: Asked): Promise<Reply | null> {
    const { exchange, incoming, onEnd } = asked;
    const { opened, answer: result } = await awaitAnswer(submit, incoming, exchange);
    if (result === null) return null;
    const headers = answerHeaders(opened.place, opened.token);
    if ('status' in result) return failed(asked, result, headers);
    onEnd(null);
    const { text, end } = result;
    return {
      status: 200,
      headers: endHeaders(headers, end),
      body: responseJson(factsOf(asked, opened), { type: 'ended', text, end }),
    };
  }

  /**
   * Answers with the first record of the response, which is then read with its id; at the latest after a second, as the
   * headers of a stream: what fails before is an error here as well.
   */
  async function begin(asked: Asked): Promise<Reply> {
    const opened: Opened[] = [];
    const sink = openAnswerSink();
    const begun = Promise.withResolvers<null>();
    const reader = await submit({
      ...asked.incoming,
      openSink(place, token, message) {
        opened.push({ place, token, message });
        return { ...sink, started: () => begun.resolve(null) };
      },
    });
    const timer = setTimeout(() => begun.resolve(null), HEADERS_WAIT_MS);
    const result = await Promise.race([begun.promise, sink.answer]);
    clearTimeout(timer);
    reader.close();
    const [first] = opened;
    if (first === undefined) throw new Error('a message was taken in without a place');
    const headers = answerHeaders(first.place, first.token);
    if (result !== null && 'status' in result) return failed(asked, result, headers);
    return { status: 200, headers, body: responseJson(factsOf(asked, first), { type: 'running' }) };
  }
}

function failed({ onEnd }: Asked, found: Problem, headers: Readonly<Record<string, string>>): Reply {
  const problem = answerProblem(found, 'input');
  onEnd(problem);
  return problemReply(problem, headers);
}

function factsOf({ first }: Asked, { message }: Opened): ResponseFacts {
  return first ?? factsOfMessage(message);
}
