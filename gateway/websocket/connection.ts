import { mayCall } from '../../policies/identity/grants.ts';
import type { Span, Tracer } from '../../runtime/tracing.ts';
import { errorCode } from '../../runtime/errors.ts';
import type { Call, Caller } from '../call.ts';
import type { Credential, Keys } from '../keys.ts';
import type { Locate } from '../locate.ts';
import { parseJson, validate } from '../parse.ts';
import { goesAway, problemOf, refuse } from '../problems.ts';
import { clientFrame, frameNames, submissionOf, type ClientFrame } from '../requests.ts';
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
const ROUTE = { port: 'clients', method: 'POST', path: '/v1/chat' } as const;

export type ConnectionDeps = {
  readonly keys: Keys;
  readonly submit: Submit;
  readonly streams: OpenStreams;
  readonly locate: Locate;
  readonly signals: Signals;
  readonly tracer: Tracer;
  /** Nothing new is taken. */
  readonly isDraining: () => boolean;
};

/** One client on a WebSocket. */
export interface Connection {
  /** Takes the key of the handshake; without one it is the first frame's. */
  authenticate(key: string): void;
  take(text: string): void;
  /** Tells about a frame that cannot be read; too many close the connection. */
  takeBad(error: unknown): void;
  /** Closes with 4401 if the key was withdrawn. */
  checkCredential(): void;
  /** Ends every answer here; their inferences go on. */
  end(): void;
}

/** Opens a connection with what its handshake said. */
export function openConnection(
  socket: CuttableSocket,
  told: Pick<Call, 'requestId' | 'locale'>,
  deps: ConnectionDeps,
): Connection {
  const { keys, submit, streams, locate, signals } = deps;
  const sinks = new Map<string, SocketSink>();
  let credential: Credential | null = null;
  /** Frames that came while somebody else is asked about the key; null while nobody is. */
  let waiting: string[] | null = null;
  let inWork = 0;
  let badFrames = 0;
  let frameNumber = 0;
  const authTimer = keys.required
    ? setTimeout(() => socket.close(4401, 'no auth frame within 5 s'), AUTH_WAIT_MS)
    : undefined;

  function openSink(inferenceId: string, clientId: string | null, span: Span): SocketSink {
    // One answer is written once to a socket, however often it was asked for.
    sinks.get(inferenceId)?.detach();
    const sink = openSocketSink({
      socket,
      inferenceId,
      clientId,
      onEnd(self) {
        if (sinks.get(inferenceId) === self) sinks.delete(inferenceId);
        span.end();
      },
    });
    sinks.set(inferenceId, sink);
    return sink;
  }

  async function handle(
    frame: Exclude<ClientFrame, { type: 'auth' }>,
    call: Call,
    span: Span,
  ): Promise<void> {
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
              const sink = openSink(place.inferenceId, id ?? null, span);
              opened.push(sink);
              return sink;
            },
          });
          opened[0]?.feedFrom(reader);
        } catch (error) {
          span.fail(errorCode(error));
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
        const sink = openSink(place.inferenceId, null, span);
        const paced = frame.pace === 'original';
        sink.feedFrom(streams.resume({ call, place, terminal, cursor: frame.after, sink, paced }));
        return;
      }
      case 'stop':
        await signals.cancel(call, { token: frame.token ?? null, inferenceId: frame.inference_id });
        span.end();
        return;
      case 'feedback': {
        const { type: _, id, ...feedback } = frame;
        const feedbackId = await signals.giveFeedback(call, feedback, id ?? null);
        span.end();
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

  /** Every error names the frame it is about: a client has several in flight. */
  function refuseFrame(frame: unknown, error: unknown): void {
    const { id, inference_id } = frameNames.safeParse(frame).data ?? {};
    const about = {
      ...(id === undefined ? {} : { id }),
      ...(inference_id === undefined ? {} : { inference_id }),
    };
    socket.send(errorFrame(problemOf(error), about));
  }

  function authenticate(key: string | null): void {
    clearTimeout(authTimer);
    const found = keys.find(key);
    if (!(found instanceof Promise)) return admit(found);
    waiting = [];
    found.then(admit, () => socket.close(1013, 'the key cannot be checked: try again shortly'));
  }

  function admit(found: Credential | null): void {
    const held = waiting ?? [];
    waiting = null;
    if (found === null) return socket.close(4401, 'the API key is not valid');
    if (!mayCall(found.grants, ROUTE)) return socket.close(4403, 'this key may not call /v1/chat');
    if (credential !== null && !isSameCaller(credential.caller, found.caller))
      return socket.close(4401, 'a connection belongs to one caller');
    credential = found;
    for (const text of held) take(text);
  }

  function takeBad(error: unknown, frame: unknown = null): void {
    badFrames += 1;
    if (badFrames > MAX_BAD_FRAMES) return socket.close(4429, 'too many frames that cannot be read');
    refuseFrame(frame, error);
  }

  function take(text: string): void {
    if (waiting !== null) {
      if (waiting.push(text) > MAX_AT_ONCE) socket.close(4429, 'too many frames before the key was checked');
      return;
    }
    let parsed: unknown = null;
    let frame: ClientFrame;
    try {
      parsed = parseJson(text);
      frame = validate(clientFrame, parsed);
    } catch (error) {
      return takeBad(error, parsed);
    }
    if (frame.type === 'auth') return authenticate(frame.key);
    // Where no key is needed one may still be sent first, to be somebody.
    if (credential === null && !keys.required) authenticate(null);
    if (credential === null) return socket.close(4401, 'the first frame must be auth');
    if (deps.isDraining()) return refuseFrame(frame, goesAway());
    if (inWork >= MAX_AT_ONCE || (frame.type !== 'stop' && sinks.size >= MAX_AT_ONCE)) {
      return refuseFrame(
        frame,
        refuse('rate_limit_exceeded', `a connection streams at most ${MAX_AT_ONCE} answers at once`, {
          fix: 'wait for one to end',
        }),
      );
    }
    frameNumber += 1;
    // The span of a message or a resume lasts until its answer has ended here.
    const span = deps.tracer.start(`${frame.type} /v1/chat`, {
      kind: 'server',
      parent: null,
      attributes: { 'network.protocol.name': 'websocket', 'http.route': '/v1/chat' },
    });
    const call: Call = {
      ...told,
      caller: credential.caller,
      grants: credential.grants,
      requestId: `${told.requestId}.${frameNumber}`,
      trace: span.traceparent,
    };
    const asked = frame;
    inWork += 1;
    handle(asked, call, span)
      .catch((error: unknown) => {
        span.fail(errorCode(error));
        span.end();
        refuseFrame(asked, error);
      })
      .finally(() => {
        inWork -= 1;
      });
  }

  return {
    authenticate,
    take,
    takeBad: (error) => takeBad(error),
    checkCredential() {
      if (credential !== null && !credential.isValid()) socket.close(4401, 'the API key was withdrawn');
    },
    end() {
      clearTimeout(authTimer);
      for (const sink of [...sinks.values()]) sink.detach();
    },
  };
}

function isSameCaller(one: Caller, other: Caller): boolean {
  return one.tenantId === other.tenantId && one.principal === other.principal;
}
