import type { OutgoingHttpHeaders } from 'node:http';
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { mayCall } from '../../policies/identity/grants.ts';
import { StenoError } from '../../runtime/errors.ts';
import type { Tracer } from '../../runtime/tracing.ts';
import { cacheSecondsOfHeader, localeOf, requestIdOf, traceOf, type Call } from '../call.ts';
import { bearerOf, type Credential, type Keys } from '../keys.ts';
import type { Origins } from '../origins.ts';
import { parseJson, validate } from '../parse.ts';
import { goesAway, problemBody, problemHeaders, problemOf, refuse } from '../problems.ts';
import type { AnyHandlers, Exchange, Reply } from './exchange.ts';
import type { Operation } from './operations.ts';
import { traceRequest } from './request-span.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
/** What becomes one record of conversations, which allows 8 MiB. */
const LARGEST_BODY = 6 * 1024 * 1024;
/** Of an operation that asks for no credential. */
const ANONYMOUS: Pick<Call, 'caller' | 'grants'> = {
  caller: { tenantId: '', principal: '', keyId: null },
  grants: { role: 'OTHER', models: [], routes: [], topics: [] },
};

/** Of every answer: it is data for whoever asked, and nothing a browser may keep, frame, run or take for something else. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
};

type ServerDeps = {
  /** Who the port is for. */
  readonly port: 'clients' | 'admin';
  readonly operations: readonly Operation[];
  /** One for each operation. */
  readonly handlers: AnyHandlers;
  readonly keys: Pick<Keys, 'find'>;
  readonly origins: Origins;
  readonly maxBodyBytes: number;
  /** Connections are closed after their answer: the next request belongs to another gateway. */
  readonly isDraining: () => boolean;
  /** Nothing new is taken. */
  readonly isRefusing: () => boolean;
  readonly tracer: Tracer;
};

/** Builds the HTTP server: what is asked for is checked here, what it means is the handlers'. */
export function buildServer(deps: ServerDeps): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: deps.maxBodyBytes,
    requestTimeout: 30_000,
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    // The framework's own answer tells nobody when to come again.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256 },
    genReqId: (raw) => requestIdOf(raw.headers['x-request-id']),
    frameworkErrors: (_error, request, reply) => {
      reply.headers(SECURITY_HEADERS).header('x-request-id', request.id);
      send(reply, refuse('invalid_request', 'the address is not valid', { fix: 'correct the path' }));
    },
    clientErrorHandler(_error, socket) {
      if (socket.destroyed) return;
      const body = problemBody(problemOf(refuse('invalid_request', 'the request is not valid HTTP')));
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nconnection: close\r\nx-content-type-options: nosniff\r\ncontent-type: ${JSON_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    },
  });
  const anyHost = new Set<string | undefined>(
    deps.operations.filter(({ anyHost: any }) => any === true).map(({ path }) => path),
  );

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : parseJson(body.toString()));
    } catch (error) {
      done(error instanceof Error ? error : null);
    }
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(SECURITY_HEADERS).header('x-request-id', request.id);
    if (deps.isDraining()) reply.header('connection', 'close');
    if (anyHost.has(request.routeOptions.url)) return done();
    const { host, origin } = request.headers;
    const reader = deps.origins.check(host, origin);
    if (reader === null) return done();
    reply.headers({
      'access-control-allow-origin': reader,
      'cross-origin-resource-policy': 'cross-origin',
      vary: 'origin',
      'access-control-expose-headers':
        'x-request-id, x-steno-inference, x-steno-conversation, x-steno-resume-token, x-steno-cache, retry-after, retry-after-ms, x-should-retry, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens',
    });
    if (request.method !== 'OPTIONS') return done();
    void reply
      .headers({
        'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
        // The SDKs send a dozen of their own; a star does not stand for authorization.
        'access-control-allow-headers': 'authorization, *',
        'access-control-max-age': '600',
      })
      .code(204)
      .send();
  });
  app.setNotFoundHandler((_request, reply) => {
    send(reply, refuse('not_found', 'no such path', { fix: 'see /openapi.json' }));
  });
  app.setErrorHandler((error: FastifyError, _request, reply) => send(reply, ours(error)));

  for (const operation of deps.operations) register(app, operation, deps);
  return app;
}

function register(app: FastifyInstance, operation: Operation, deps: ServerDeps): void {
  const { keys, port, maxBodyBytes, isRefusing, tracer } = deps;
  const calls = new WeakMap<FastifyRequest, Call>();
  // The schemas below are those that a handler's input is inferred from; TypeScript cannot follow that through the list.
  const handle = deps.handlers[operation.id] as (input: object, exchange: Exchange) => Promise<Reply | null>;

  function take(request: FastifyRequest, reply: FastifyReply, credential: Credential | null): void {
    if (operation.secured && credential === null) {
      throw refuse('invalid_api_key', 'the API key is missing or not valid', {
        fix: 'send Authorization: Bearer and your key',
      });
    }
    if (credential !== null && !mayCall(credential.grants, { port, ...operation })) {
      throw refuse('permission_denied', `this key may not call ${operation.method} ${operation.path}`, {
        fix: 'use a key whose role and routes allow it',
      });
    }
    const cacheSeconds = cacheSecondsOfHeader(request.headers['cache-control']);
    calls.set(request, {
      ...(cacheSeconds === null ? {} : { cacheSeconds }),
      ...localeOf(request.headers['accept-language']),
      ...(credential ?? ANONYMOUS),
      requestId: request.id,
      tell: (headers) => void reply.headers({ ...headers }),
      trace: traceRequest(tracer, operation, traceOf(request.headers.traceparent), reply.raw),
    });
  }

  app.route({
    method: operation.method,
    url: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    exposeHeadRoute: operation.method === 'GET' && !operation.secured,
    bodyLimit: Math.min(maxBodyBytes * (operation.bodyFactor ?? 1), LARGEST_BODY),
    onRequest(request, reply, done) {
      if (operation.secured && isRefusing()) throw goesAway();
      const found = operation.secured ? keys.find(bearerOf(request.headers.authorization)) : null;
      if (!(found instanceof Promise)) {
        take(request, reply, found);
        return done();
      }
      found.then((credential) => take(request, reply, credential)).then(() => done(), done);
    },
    async handler(request, reply) {
      const call = calls.get(request);
      if (call === undefined) throw new Error('the request was not checked');
      const input = {
        params: operation.params === undefined ? null : validate(operation.params, request.params),
        query: operation.query === undefined ? null : validate(operation.query, request.query),
        body: operation.body === undefined ? null : validate(operation.body, request.body ?? undefined),
      };
      const answer = await handle(input, exchangeOf(request, reply, call));
      if (answer === null) return reply;
      const { status, body, headers, type } = answer;
      return reply
        .code(status)
        .headers({ ...headers })
        .type(type ?? JSON_TYPE)
        .send(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
    },
  });
}

function exchangeOf(request: FastifyRequest, reply: FastifyReply, call: Call): Exchange {
  return {
    call,
    header(name) {
      const value = request.headers[name];
      return typeof value === 'string' && value !== '' ? value : null;
    },
    takeOver() {
      reply.hijack();
      // Fastify names every known header, each with undefined: Node takes the same.
      return { response: reply.raw, headers: { ...(reply.getHeaders() as OutgoingHttpHeaders) } };
    },
    onGone(gone) {
      if (reply.raw.closed) gone();
      else reply.raw.once('close', gone);
    },
  };
}

function send(reply: FastifyReply, error: unknown): void {
  const problem = problemOf(error);
  void reply
    .code(problem.status)
    .headers({ ...problemHeaders(problem) })
    .type(JSON_TYPE)
    .send(problemBody(problem));
}

/** Says in our words what the framework refused. */
function ours(error: FastifyError): unknown {
  if (error instanceof StenoError || error.statusCode === undefined || error.statusCode >= 500) return error;
  if (error.statusCode === 413) {
    return refuse('too_large', 'the request is larger than this gateway takes', {
      fix: 'send less, or raise STENO_MAX_MESSAGE_BYTES',
    });
  }
  if (error.statusCode === 415) {
    return refuse('unsupported_media_type', 'the body is not JSON', {
      fix: 'send content-type: application/json',
    });
  }
  return refuse('invalid_request', 'the request is not valid', { fix: 'see /openapi.json' });
}
