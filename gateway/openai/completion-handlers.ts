import type { Exchange, Handlers, Reply } from '../http/exchange.ts';
import { problemReply } from '../http/problem-reply.ts';
import { awaitAnswer, streamAnswer, type Opened } from '../http/stream-answer.ts';
import type { ModelDirectory } from '../models.ts';
import { problemOf, refuse, type Problem } from '../problems.ts';
import { idParams } from '../requests.ts';
import type { Signals } from '../signals.ts';
import type { FlushLater } from '../streams/flush-queue.ts';
import type { Incoming, Submit } from '../submit.ts';
import type { Place } from '../token.ts';
import type { Abandonment } from './abandonment.ts';
import { answerHeaders, endHeaders } from './answer-headers.ts';
import { callKeyOf } from './call-key.ts';
import { openChunkSink } from './chunk-sink.ts';
import { completionBody, type CompletionName } from './chunks.ts';
import { answerProblem, stopped } from './answer-problem.ts';
import { wantedOf, type Wanted } from './completion-request.ts';
import type { Repeats } from './repeats.ts';

/** One call on its way: what is asked, and what is to be done when it ends or is left. */
type Asked = {
  readonly exchange: Exchange;
  readonly wanted: Wanted;
  readonly incoming: Omit<Incoming, 'openSink'>;
  readonly created: number;
  readonly resumable: boolean;
  readonly onEnd: (problem: Problem | null) => void;
  readonly onLeft: (opened: Opened) => void;
};

/** POST /v1/chat/completions: a message like any other, in the words of OpenAI's clients. */
export function completionHandlers(deps: {
  readonly submit: Submit;
  readonly signals: Signals;
  readonly models: ModelDirectory;
  readonly flushLater: FlushLater;
  readonly abandonment: Abandonment;
  readonly repeats: Repeats;
}): Pick<Handlers, 'complete'> {
  const { submit, signals, models, flushLater, abandonment, repeats } = deps;

  return {
    complete({ body }, exchange) {
      const wanted = wantedOf(body, conversationOf(exchange));
      const asked = ask(exchange, wanted);
      return wanted.stream ? stream(asked) : answer(asked);
    },
  };

  function ask(exchange: Exchange, wanted: Wanted): Asked {
    const { call } = exchange;
    const { submission } = wanted;
    const resumable = exchange.header('x-steno-resumable') === 'true';
    const { key, isNamed, onEnd, forget } = callKeyOf(exchange, 'chat_completions', submission, repeats);
    return {
      exchange,
      wanted,
      incoming: { call, transport: 'chat_completions', submission, key, clientId: null },
      created: Math.floor(Date.now() / 1000),
      resumable,
      onEnd,
      onLeft({ place: { inferenceId }, token }) {
        if (isNamed || resumable) return;
        abandonment.left(inferenceId, () => {
          forget();
          return signals.cancel(call, { token, inferenceId }, 'disconnect');
        });
      },
    };
  }

  async function stream(asked: Asked): Promise<null> {
    const { exchange, wanted, incoming, resumable, onEnd, onLeft } = asked;
    try {
      await streamAnswer(submit, incoming, (opened, close) => {
        const { place, token } = opened;
        abandonment.attached(place.inferenceId);
        const { response, headers } = exchange.takeOver();
        return openChunkSink({
          response,
          headers: { ...headers, ...answerHeaders(place, token) },
          name: nameOf(asked, place),
          includeUsage: wanted.includeUsage,
          resumable,
          flushLater,
          onEnd,
          onClose(gone) {
            close();
            if (gone) onLeft(opened);
          },
        });
      });
    } catch (error) {
      onEnd(problemOf(error));
      throw error;
    }
    return null;
  }

  async function answer(asked: Asked): Promise<Reply | null> {
    const { exchange, incoming, onEnd, onLeft } = asked;
    const { opened, answer: result } = await awaitAnswer(submit, incoming, exchange, ({ place }) =>
      abandonment.attached(place.inferenceId),
    ).catch((error: unknown) => {
      onEnd(problemOf(error));
      throw error;
    });
    if (result === null) {
      onLeft(opened);
      return null;
    }
    const { place, token } = opened;
    const headers = answerHeaders(place, token);
    if ('status' in result) return failed(answerProblem(result, 'messages'));
    if (result.end.outcome === 'cancelled') return failed(stopped);
    onEnd(null);
    const name = { ...nameOf(asked, place), model: result.end.model };
    const { text, end } = result;
    return { status: 200, headers: endHeaders(headers, end), body: completionBody(name, text, end) };

    function failed(found: Problem): Reply {
      onEnd(found);
      return problemReply(found, headers);
    }
  }

  function nameOf({ created, wanted }: Asked, { inferenceId }: Place): CompletionName {
    return { inferenceId, created, model: models.resolve(wanted.submission.model)?.id ?? '' };
  }
}

/** Throws `invalid_request` where the header holds no id. */
function conversationOf(exchange: Exchange): string | null {
  const named = exchange.header('x-steno-conversation');
  if (named === null || idParams.shape.id.safeParse(named).success) return named;
  throw refuse('invalid_request', 'the header x-steno-conversation holds no conversation id', {
    param: 'x-steno-conversation',
    fix: 'send the id that an earlier answer named, or leave the header out',
  });
}
