import type { Call } from '../call.ts';
import { traceOf } from '../call.ts';
import type { Credential, Keys } from '../keys.ts';
import type { Locate } from '../locate.ts';
import { parseJson, validate } from '../parse.ts';
import { problemOf, refuse } from '../problems.ts';
import { clientFrame, submissionOf, type ClientFrame } from '../requests.ts';
import type { Signals } from '../signals.ts';
import { errorFrame } from '../streams/frames.ts';
import type { OpenStreams } from '../streams/open-streams.ts';
import type { Submit } from '../submit.ts';
import type { CuttableSocket } from './frame-socket.ts';
import { openSocketSink, type SocketSink } from './socket-sink.ts';

/** Answers one WebSocket may stream, and frames it may have in work, at once. */
const MAX_AT_ONCE = 64;
/** Frames nobody can read before the connection is closed. */
const MAX_BAD_FRAMES = 100;
const AUTH_WAIT_MS = 5_000;

export type ConnectionDeps = {
  readonly keys: Keys;
  readonly submit: Submit;
  readonly streams: OpenStreams;
  readonly locate: Locate;
  readonly signals: Signals;
};

/** One client on a WebSocket. */
export interface Connection {
  take(text: string): void;
  /** Tells about a frame that cannot be read; too many close the connection. */
  takeBad(error: unknown): void;
  /** Closes with 4401 if the key was withdrawn. */
  checkCredential(): void;
  /** Ends every answer here; their inferences go on. */
  end(): void;
}

export function openConnection(
  socket: CuttableSocket,
  first: Credential | null,
  requestId: string,
  deps: ConnectionDeps,
): Connection {
  const { keys, submit, streams, locate, signals } = deps;
  const sinks = new Map<string, SocketSink>();
  let credential = first;
  let inWork = 0;
  let badFrames = 0;
  let frameNumber = 0;
  const authTimer =
    first === null
      ? setTimeout(() => socket.close(4401, 'no auth frame within 5 s'), AUTH_WAIT_MS)
      : undefined;

  function openSink(inferenceId: string, clientId: string | null): SocketSink {
    // One answer is written once to a socket, however often it was asked for.
    sinks.get(inferenceId)?.detach();
    const sink = openSocketSink({
      socket,
      inferenceId,
      clientId,
      onEnd(self) {
        if (sinks.get(inferenceId) === self) sinks.delete(inferenceId);
      },
    });
    sinks.set(inferenceId, sink);
    return sink;
  }

  async function handle(frame: Exclude<ClientFrame, { type: 'auth' }>, call: Call): Promise<void> {
    switch (frame.type) {
      case 'message': {
        const { type: _, id, text, ...fields } = frame;
        const opened: SocketSink[] = [];
        try {
          const reader = await submit({
            call,
            transport: 'websocket',
            submission: submissionOf(text, fields),
            key: id ?? null,
            clientId: id ?? null,
            openSink(place) {
              const sink = openSink(place.inferenceId, id ?? null);
              opened.push(sink);
              return sink;
            },
          });
          opened[0]?.feedFrom(reader);
        } catch (error) {
          opened[0]?.detach();
          throw error;
        }
        return;
      }
      case 'resume': {
        const { place, terminal } = await locate.inference(call, {
          token: frame.token ?? null,
          inferenceId: frame.inference_id ?? null,
        });
        streams.checkRoom();
        socket.allowBurst();
        const sink = openSink(place.inferenceId, null);
        sink.feedFrom(streams.resume({ place, terminal, cursor: frame.after, sink }));
        return;
      }
      case 'stop':
        await signals.cancel(call, { token: frame.token ?? null, inferenceId: frame.inference_id });
        return;
      case 'feedback': {
        const { type: _, id, ...feedback } = frame;
        const feedbackId = await signals.giveFeedback(call, feedback, id ?? null);
        socket.send(
          JSON.stringify({
            type: 'accepted',
            id: id ?? null,
            inference_id: frame.inference_id,
            feedback_id: feedbackId,
          }),
        );
        return;
      }
    }
  }

  function refuseFrame(frame: ClientFrame, error: unknown): void {
    const id = 'id' in frame ? (frame.id ?? null) : null;
    const inferenceId = 'inference_id' in frame ? frame.inference_id : undefined;
    const about = {
      ...(id === null ? {} : { id }),
      ...(inferenceId === undefined ? {} : { inference_id: inferenceId }),
    };
    socket.send(errorFrame(problemOf(error), about));
  }

  function authenticate(key: string): void {
    credential = keys.find(key);
    if (credential === null) return socket.close(4401, 'the API key is not valid');
    clearTimeout(authTimer);
  }

  function takeBad(error: unknown): void {
    badFrames += 1;
    if (badFrames > MAX_BAD_FRAMES) return socket.close(4429, 'too many frames that cannot be read');
    socket.send(errorFrame(problemOf(error), {}));
  }

  return {
    take(text) {
      let frame: ClientFrame;
      try {
        frame = validate(clientFrame, parseJson(text));
      } catch (error) {
        return takeBad(error);
      }
      if (frame.type === 'auth') return authenticate(frame.key);
      if (credential === null) return socket.close(4401, 'the first frame must be auth');
      if (inWork >= MAX_AT_ONCE || (frame.type !== 'stop' && sinks.size >= MAX_AT_ONCE)) {
        return refuseFrame(
          frame,
          refuse('rate_limit_exceeded', `a connection streams at most ${MAX_AT_ONCE} answers at once`, {
            fix: 'wait for one to end',
          }),
        );
      }
      frameNumber += 1;
      const call = {
        caller: credential.caller,
        requestId: `${requestId}.${frameNumber}`,
        trace: traceOf(undefined),
      };
      const asked = frame;
      inWork += 1;
      handle(asked, call)
        .catch((error: unknown) => refuseFrame(asked, error))
        .finally(() => {
          inWork -= 1;
        });
    },
    takeBad,
    checkCredential() {
      if (credential !== null && !credential.isValid()) socket.close(4401, 'the API key was withdrawn');
    },
    end() {
      clearTimeout(authTimer);
      for (const sink of [...sinks.values()]) sink.detach();
    },
  };
}
