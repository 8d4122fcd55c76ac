import type { MessageSubmitted } from '../../schemas/generated/types.ts';
import { problemOf, type Problem } from '../problems.ts';
import type { FrameSink } from '../streams/frames.ts';
import type { StreamReader } from '../streams/stream-reader.ts';
import type { Incoming, Submit } from '../submit.ts';
import type { Place } from '../token.ts';
import { openAnswerSink, type Answer } from './answer-sink.ts';
import type { Exchange } from './exchange.ts';

/** A message that was checked: where its answer lies, the token that finds it again, and the event it becomes. */
export type Opened = { readonly place: Place; readonly token: string; readonly message: MessageSubmitted };

type Message = Omit<Incoming, 'openSink'>;

/**
 * Takes a message in and streams its answer into the sink that `open` returns; `close` ends the reading. What fails
 * once there is a sink is told there. Throws what failed before.
 */
export async function streamAnswer(
  submit: Submit,
  message: Message,
  open: (opened: Opened, close: () => void) => FrameSink,
): Promise<void> {
  const sinks: FrameSink[] = [];
  let reader: StreamReader | null = null;
  try {
    reader = await submit({
      ...message,
      openSink(place, token, event) {
        const sink = open({ place, token, message: event }, () => reader?.close());
        sinks.push(sink);
        return sink;
      },
    });
  } catch (error) {
    const [sink] = sinks;
    if (sink === undefined) throw error;
    sink.error(problemOf(error), null);
    return;
  }
  if (sinks[0]?.isClosed() === true) reader.close();
}

/** A message that was taken in, and its answer or the problem in its place; null if the client went away first. */
export type Awaited = { readonly opened: Opened; readonly answer: Promise<Answer | Problem | null> };

/** Takes a message in for an answer in one piece. Throws what kept the message out. */
export async function beginAnswer(
  submit: Submit,
  message: Message,
  exchange: Exchange,
  onOpened: (opened: Opened) => void = () => undefined,
): Promise<Awaited> {
  const sink = openAnswerSink();
  const places: Opened[] = [];
  const reader = await submit({
    ...message,
    openSink(place, token, event) {
      const opened = { place, token, message: event };
      places.push(opened);
      onOpened(opened);
      return sink;
    },
  });
  exchange.onGone(() => sink.close());
  const [opened] = places;
  if (opened === undefined) throw new Error('a message was taken in without a place');
  return { opened, answer: sink.answer.finally(() => reader.close()) };
}

/** Takes a message in and waits for its answer. Throws what kept the message out. */
export async function awaitAnswer(
  ...asked: Parameters<typeof beginAnswer>
): Promise<{ readonly opened: Opened; readonly answer: Answer | Problem | null }> {
  const { opened, answer } = await beginAnswer(...asked);
  return { opened, answer: await answer };
}
