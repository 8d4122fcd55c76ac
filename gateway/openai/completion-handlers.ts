import type { Exchange, Handlers, Reply } from '../http/exchange.ts';
import { problemReply } from '../http/problem-reply.ts';
import type { Answer } from '../http/answer-sink.ts';
import { beginAnswer, streamAnswer, type Awaited, type Opened } from '../http/stream-answer.ts';
import type { ModelDirectory } from '../models.ts';
import { problemOf, refuse, type Problem } from '../problems.ts';
import { idParams } from '../requests.ts';
import type { Signals } from '../signals.ts';
import type { FlushLater } from '../streams/flush-queue.ts';
import type { FrameSink } from '../streams/frames.ts';
import type { Incoming, Submit } from '../submit.ts';
import type { Place } from '../token.ts';
import type { Abandonment } from './abandonment.ts';
import { answerHeaders, endHeaders } from './answer-headers.ts';
import { callKeyOf } from './call-key.ts';
import { siblingsOf } from './choices.ts';
import { openChunkStream, type ChunkStream } from './chunk-stream.ts';
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

/** An answer that goes into a stream. */
type Reading = { readonly stream: ChunkStream; readonly opened: Opened; readonly close: () => void };

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
    const { incoming, onEnd, onLeft } = asked;
    const reading: Reading[] = [];
    try {
      await streamAnswer(submit, incoming, (opened, close) => {
        return sinkOf(openStream(asked, opened, reading), 0, opened, close);
      });
    } catch (error) {
      onEnd(problemOf(error));
      throw error;
    }
    const [first] = reading;
    if (first !== undefined) await streamSiblings(first.stream, first.opened);
    return null;

    function sinkOf(to: ChunkStream, index: number, opened: Opened, close: () => void): FrameSink {
      reading.push({ stream: to, opened, close });
      abandonment.attached(opened.place.inferenceId);
      // The client went away, or another answer failed, before this one was taken in.
      if (to.isClosed()) onLeft(opened);
      return to.sinkOf(index, opened.place.inferenceId);
    }

    async function streamSiblings(to: ChunkStream, { place }: Opened): Promise<void> {
      if (to.isClosed()) return;
      const siblings = siblingsOf(incoming, place).map((sibling, index) =>
        streamAnswer(submit, sibling, (opened, close) => sinkOf(to, index + 1, opened, close)),
      );
      await Promise.all(siblings).catch((error: unknown) => to.fail(problemOf(error)));
    }
  }

  function openStream(asked: Asked, { place, token }: Opened, reading: readonly Reading[]): ChunkStream {
    const { exchange, wanted, resumable, onEnd, onLeft } = asked;
    const { response, headers } = exchange.takeOver();
    let problem: Problem | null = null;
    return openChunkStream({
      response,
      headers: { ...headers, ...answerHeaders(place, token) },
      name: nameOf(asked, place),
      choices: wanted.choices,
      includeUsage: wanted.includeUsage,
      hasTools: wanted.submission.tools !== null,
      resumable,
      flushLater,
      onEnd(found) {
        problem = found;
        onEnd(found);
      },
      onClose(gone) {
        for (const { close } of reading) close();
        // Where one answer of several failed nobody waits for the others.
        if (gone || (problem !== null && wanted.choices > 1))
          for (const { opened } of reading) onLeft(opened);
      },
    });
  }

  async function answer(asked: Asked): Promise<Reply | null> {
    const { onEnd, onLeft } = asked;
    const [first, ...others] = await takeIn(asked);
    const { place, token } = first.opened;
    const headers = answerHeaders(place, token);
    const answers: (Answer & { readonly inferenceId: string })[] = [];
    for (const { answer: result, opened } of [first, ...others]) {
      const found = await result;
      if (found === null) {
        for (const { opened } of [first, ...others]) onLeft(opened);
        return null;
      }
      if ('status' in found) return failed(answerProblem(found, 'messages'));
      if (found.end.outcome === 'cancelled') return failed(stopped);
      answers.push({ ...found, inferenceId: opened.place.inferenceId });
    }
    onEnd(null);
    return {
      status: 200,
      headers: answers.reduce((told, { end }) => endHeaders(told, end), headers),
      body: completionBody(nameOf(asked, place), answers, asked.wanted.submission.tools !== null),
    };

    function failed(problem: Problem): Reply {
      onEnd(problem);
      for (const { opened } of others.length === 0 ? [] : [first, ...others]) onLeft(opened);
      return problemReply(problem, headers);
    }
  }

  /** Takes a call's messages in, the first one first: its siblings stand beside it. Throws what kept one out. */
  async function takeIn(asked: Asked): Promise<readonly [Awaited, ...Awaited[]]> {
    const { exchange, incoming, onEnd, onLeft } = asked;
    const taken: Opened[] = [];
    const begin = async (message: Asked['incoming']): Promise<Awaited> => {
      const begun = await beginAnswer(submit, message, exchange, ({ place }) =>
        abandonment.attached(place.inferenceId),
      );
      taken.push(begun.opened);
      return begun;
    };
    try {
      const first = await begin(incoming);
      return [first, ...(await Promise.all(siblingsOf(incoming, first.opened.place).map(begin)))];
    } catch (error) {
      onEnd(problemOf(error));
      // Where one of several was kept out nobody waits for the others.
      taken.forEach(onLeft);
      throw error;
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
