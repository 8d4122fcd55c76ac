import { mayCall } from '../../policies/identity/grants.ts';
import type { Span, Tracer } from '../../runtime/tracing.ts';
import { errorCode } from '../../runtime/errors.ts';
import { freshRequestId, type Call, type Caller } from '../call.ts';
import type { Credential, Keys } from '../keys.ts';
import type { Locate } from '../locate.ts';
import { parseJson, validate } from '../parse.ts';
import { goesAway, problemOf, refuse } from '../problems.ts';
import { clientFrame, frameNames, submissionOf, type ClientFrame } from '../requests.ts';
import type { Signals } from '../signals.ts';
import { errorFrame } from '../streams/frames.ts';
import type { OpenStreams } from '../streams/open-streams.ts';
import type { Submit } from '../submit.ts';
import type { CuttableSocket } from './paced-socket.ts';
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

/**
 * One client on a WebSocket. A class, because there are thousands that do nothing: methods cost them nothing, closures
 * would.
 */
export class Connection {
  readonly #socket: CuttableSocket;
  readonly #deps: ConnectionDeps;
  readonly #locale: Pick<Call, 'locale'>;
  readonly #sinks = new Map<string, SocketSink>();
  #credential: Credential | null = null;
  /** Frames that came while somebody else is asked about the key; null while nobody is. */
  #waiting: string[] | null = null;
  #inWork = 0;
  #badFrames = 0;
  #frameNumber = 0;
  /** Made with the first frame: an idle connection needs none. */
  #requestId: string | null;
  #authTimer: NodeJS.Timeout | undefined;

  /** Opens a connection with what its handshake said. */
  constructor(
    socket: CuttableSocket,
    { requestId, ...locale }: Pick<Call, 'locale'> & { readonly requestId: string | null },
    deps: ConnectionDeps,
  ) {
    this.#socket = socket;
    this.#deps = deps;
    this.#locale = locale;
    this.#requestId = requestId;
    if (deps.keys.required)
      this.#authTimer = setTimeout(() => socket.close(4401, 'no auth frame within 5 s'), AUTH_WAIT_MS);
  }

  #openSink(inferenceId: string, clientId: string | null, span: Span): SocketSink {
    // One answer is written once to a socket, however often it was asked for.
    this.#sinks.get(inferenceId)?.detach();
    const sink = openSocketSink({
      socket: this.#socket,
      inferenceId,
      clientId,
      onEnd: (self) => {
        if (this.#sinks.get(inferenceId) === self) this.#sinks.delete(inferenceId);
        span.end();
      },
    });
    this.#sinks.set(inferenceId, sink);
    return sink;
  }

  async #handle(frame: Exclude<ClientFrame, { type: 'auth' }>, call: Call, span: Span): Promise<void> {
    switch (frame.type) {
      case 'message': {
        const { type: _, id, text, ...fields } = frame;
        const opened: SocketSink[] = [];
        try {
          const reader = await this.#deps.submit({
            call,
            transport: 'websocket',
            submission: submissionOf(text, fields),
            key: id ?? null,
            clientId: id ?? null,
            openSink: (place) => {
              const sink = this.#openSink(place.inferenceId, id ?? null, span);
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
        const { place, terminal } = await this.#deps.locate.inference(call, {
          token: frame.token ?? null,
          inferenceId: frame.inference_id ?? null,
        });
        this.#deps.streams.checkRoom();
        this.#socket.allowBurst();
        const sink = this.#openSink(place.inferenceId, null, span);
        const paced = frame.pace === 'original';
        sink.feedFrom(this.#deps.streams.resume({ call, place, terminal, cursor: frame.after, sink, paced }));
        return;
      }
      case 'stop':
        await this.#deps.signals.cancel(call, {
          token: frame.token ?? null,
          inferenceId: frame.inference_id,
        });
        span.end();
        return;
      case 'feedback': {
        const { type: _, id, ...feedback } = frame;
        const feedbackId = await this.#deps.signals.giveFeedback(call, feedback, id ?? null);
        span.end();
        this.#socket.send(
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
  #refuseFrame(frame: unknown, error: unknown): void {
    const { id, inference_id } = frameNames.safeParse(frame).data ?? {};
    const about = {
      ...(id === undefined ? {} : { id }),
      ...(inference_id === undefined ? {} : { inference_id }),
    };
    this.#socket.send(errorFrame(problemOf(error), about));
  }

  /** Takes the key of the handshake; without one it is the first frame's. */
  authenticate(key: string | null): void {
    clearTimeout(this.#authTimer);
    this.#authTimer = undefined;
    const found = this.#deps.keys.find(key);
    if (!(found instanceof Promise)) return this.#admit(found);
    this.#waiting = [];
    found.then(
      (known) => this.#admit(known),
      () => this.#socket.close(1013, 'the key cannot be checked: try again shortly'),
    );
  }

  #admit(found: Credential | null): void {
    const held = this.#waiting ?? [];
    this.#waiting = null;
    if (found === null) return this.#socket.close(4401, 'the API key is not valid');
    if (!mayCall(found.grants, ROUTE)) return this.#socket.close(4403, 'this key may not call /v1/chat');
    if (this.#credential !== null && !isSameCaller(this.#credential.caller, found.caller))
      return this.#socket.close(4401, 'a connection belongs to one caller');
    this.#credential = found;
    for (const text of held) this.take(text);
  }

  /** Tells about a frame that cannot be read; too many close the connection. */
  takeBad(error: unknown, frame: unknown = null): void {
    this.#badFrames += 1;
    if (this.#badFrames > MAX_BAD_FRAMES)
      return this.#socket.close(4429, 'too many frames that cannot be read');
    this.#refuseFrame(frame, error);
  }

  take(text: string): void {
    if (this.#waiting !== null) {
      if (this.#waiting.push(text) > MAX_AT_ONCE)
        this.#socket.close(4429, 'too many frames before the key was checked');
      return;
    }
    let parsed: unknown = null;
    let frame: ClientFrame;
    try {
      parsed = parseJson(text);
      frame = validate(clientFrame, parsed);
    } catch (error) {
      return this.takeBad(error, parsed);
    }
    if (frame.type === 'auth') return this.authenticate(frame.key);
    // Where no key is needed one may still be sent first, to be somebody.
    if (this.#credential === null && !this.#deps.keys.required) this.authenticate(null);
    if (this.#credential === null) return this.#socket.close(4401, 'the first frame must be auth');
    if (this.#deps.isDraining()) return this.#refuseFrame(frame, goesAway());
    if (this.#inWork >= MAX_AT_ONCE || (frame.type !== 'stop' && this.#sinks.size >= MAX_AT_ONCE)) {
      return this.#refuseFrame(
        frame,
        refuse('rate_limit_exceeded', `a connection streams at most ${MAX_AT_ONCE} answers at once`, {
          fix: 'wait for one to end',
        }),
      );
    }
    this.#frameNumber += 1;
    this.#requestId ??= freshRequestId();
    // The span of a message or a resume lasts until its answer has ended here.
    const span = this.#deps.tracer.start(`${frame.type} /v1/chat`, {
      kind: 'server',
      parent: null,
      attributes: { 'network.protocol.name': 'websocket', 'http.route': '/v1/chat' },
    });
    const call: Call = {
      ...this.#locale,
      caller: this.#credential.caller,
      grants: this.#credential.grants,
      requestId: `${this.#requestId}.${this.#frameNumber}`,
      trace: span.traceparent,
    };
    const asked = frame;
    this.#inWork += 1;
    this.#handle(asked, call, span)
      .catch((error: unknown) => {
        span.fail(errorCode(error));
        span.end();
        this.#refuseFrame(asked, error);
      })
      .finally(() => {
        this.#inWork -= 1;
      });
  }

  /** Closes with 4401 if the key was withdrawn. */
  checkCredential(): void {
    if (this.#credential !== null && !this.#credential.isValid())
      this.#socket.close(4401, 'the API key was withdrawn');
  }

  /** Ends every answer here; their inferences go on. */
  end(): void {
    clearTimeout(this.#authTimer);
    for (const sink of [...this.#sinks.values()]) sink.detach();
  }
}

function isSameCaller(one: Caller, other: Caller): boolean {
  return one.tenantId === other.tenantId && one.principal === other.principal;
}
