import { z } from 'zod';
import { openAiOperations } from '../openai/operations.ts';
import { callerOperations } from './caller-operations.ts';
import {
  cancelRequest,
  changeRequest,
  chatRequest,
  conversationRequest,
  conversationsQuery,
  feedbackRequest,
  idParams,
  noQuery,
  pageQuery,
  streamQuery,
} from '../requests.ts';
import { subscriptionOperations } from '../subscriptions/operations.ts';
import { webOperations } from '../web-pages/operations.ts';
import { pageFiles } from '../status-page/page.ts';

/** One thing that HTTP clients can ask for. Registration and the OpenAPI document are made from the same list. */
export type Operation = {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Parameters in braces, as OpenAPI writes them. */
  readonly path: string;
  readonly summary: string;
  readonly tag: 'chat' | 'history' | 'events' | 'operations' | 'identity' | 'configuration';
  /** False where no credential is asked for. */
  readonly secured: boolean;
  /** True where probes call by an address instead of a name. */
  readonly anyHost?: boolean;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly idempotencyKey?: boolean;
  /** True where others define the body: what this gateway does not know of it is ignored. */
  readonly openBody?: boolean;
  /** Times that the body may be larger than a message: it brings the history. */
  readonly bodyFactor?: number;
  readonly answers: Readonly<Record<number, Answer>>;
};

type Answer = { readonly description: string; readonly schema?: z.ZodType; readonly media?: string };

const usage = { tokens_used: z.int().min(0) };
const cursor = z.string().nullable();
const text: Answer = { description: 'The answer.', media: 'text/plain' };

const conversationAnswer = z.strictObject({
  response: z.string(),
  conversation_id: z.string(),
  ...usage,
  latency_ms: z.number(),
});
const health = z.looseObject({
  status: z.enum(['healthy', 'draining', 'unhealthy']),
  timestamp: z.number().describe('Seconds since 1970.'),
  parts: z.record(z.string(), z.string()),
});
const page = z.strictObject({ items: z.array(z.looseObject({})), next: cursor });
const events: Answer = {
  description:
    'Server-sent events accepted, delta, reset, done, error and draining; the id of each is its seq.',
  schema: z.string(),
  media: 'text/event-stream',
};

export const operations = [
  {
    id: 'converse',
    method: 'POST',
    path: '/conversation',
    summary: 'Send a message and wait for the whole answer.',
    tag: 'chat',
    secured: true,
    query: noQuery,
    body: conversationRequest,
    idempotencyKey: true,
    answers: {
      200: { description: 'The answer.', schema: conversationAnswer },
      504: { description: 'No answer within 30 s: it goes on and is found in the history.' },
    },
  },
  {
    id: 'chat',
    method: 'POST',
    path: '/v1/chat',
    summary: 'Send a message and read the answer as it is made. A WebSocket opens at the same path.',
    tag: 'chat',
    secured: true,
    query: noQuery,
    body: chatRequest,
    idempotencyKey: true,
    answers: { 200: events },
  },
  {
    id: 'resume',
    method: 'GET',
    path: '/v1/inferences/{id}/stream',
    summary: 'Read the rest of an answer, running or finished.',
    tag: 'chat',
    secured: true,
    params: idParams,
    query: streamQuery,
    answers: { 200: events, 204: { description: 'Nothing to resume: the client has it all.' } },
  },
  {
    id: 'cancel',
    method: 'POST',
    path: '/v1/inferences/{id}/cancel',
    summary: 'Stop an answer; what was said is kept.',
    tag: 'chat',
    secured: true,
    params: idParams,
    query: noQuery,
    body: cancelRequest.optional(),
    answers: {
      202: {
        description: 'Asked, or ended before.',
        schema: z.strictObject({ inference_id: z.string(), status: z.enum(['stopping', 'ended']) }),
      },
    },
  },
  {
    id: 'giveFeedback',
    method: 'POST',
    path: '/v1/feedback',
    summary: 'Judge an answer.',
    tag: 'chat',
    secured: true,
    query: noQuery,
    body: feedbackRequest,
    idempotencyKey: true,
    answers: { 202: { description: 'Recorded.', schema: z.strictObject({ feedback_id: z.string() }) } },
  },
  ...callerOperations,
  {
    id: 'listConversations',
    method: 'GET',
    path: '/v1/conversations',
    summary: "List the caller's conversations, an auditor's tenant's, newest first, without their messages.",
    tag: 'history',
    secured: true,
    query: conversationsQuery,
    answers: { 200: { description: 'A page.', schema: page } },
  },
  {
    id: 'readConversation',
    method: 'GET',
    path: '/v1/conversations/{id}',
    summary: 'Read a conversation and a page of its turns, newest first.',
    tag: 'history',
    secured: true,
    params: idParams,
    query: pageQuery,
    answers: {
      200: {
        description: 'The conversation.',
        schema: z.strictObject({ conversation: z.looseObject({}), turns: page }),
      },
    },
  },
  {
    id: 'changeConversation',
    method: 'PATCH',
    path: '/v1/conversations/{id}',
    summary: 'Rename, archive, instruct or pin; clear what later prompts hold. Each change is recorded.',
    tag: 'history',
    secured: true,
    params: idParams,
    query: noQuery,
    body: changeRequest,
    idempotencyKey: true,
    answers: { 202: { description: 'Recorded.', schema: z.strictObject({ change_id: z.string() }) } },
  },
  ...openAiOperations,
  ...subscriptionOperations,
  ...webOperations,
  {
    id: 'health',
    method: 'GET',
    path: '/health',
    summary: 'Say how the gateway fares.',
    tag: 'operations',
    secured: false,
    answers: {
      200: { description: 'It answers.', schema: health },
      503: { description: 'It does not take work.' },
    },
  },
  {
    id: 'live',
    method: 'GET',
    path: '/livez',
    summary: 'Say that the event loop turns.',
    tag: 'operations',
    secured: false,
    anyHost: true,
    answers: { 200: text },
  },
  {
    id: 'ready',
    method: 'GET',
    path: '/readyz',
    summary: 'Say whether the gateway takes work.',
    tag: 'operations',
    secured: false,
    anyHost: true,
    answers: { 200: text, 503: { description: 'It does not.', media: 'text/plain' } },
  },
  {
    id: 'metrics',
    method: 'GET',
    path: '/metrics',
    summary: 'Metrics in the Prometheus text format.',
    tag: 'operations',
    secured: false,
    anyHost: true,
    answers: { 200: text },
  },
  {
    id: 'openapi',
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document.',
    tag: 'operations',
    secured: false,
    answers: { 200: { description: 'OpenAPI 3.1.' } },
  },
  {
    id: 'status',
    method: 'GET',
    path: '/status.json',
    summary: 'Read how the installation fares: what the page at / shows.',
    tag: 'operations',
    secured: true,
    answers: {
      200: { description: 'Figures of roles, workers, queues and lag.', schema: z.looseObject({}) },
    },
  },
  {
    id: 'statusFile',
    method: 'GET',
    path: '/status/{version}/{file}',
    summary: 'Style and script of the page at /; what one address answers never changes.',
    tag: 'operations',
    secured: false,
    params: z.strictObject({ version: z.string().max(64), file: z.enum(pageFiles) }),
    answers: { 200: { description: 'The file.', media: 'text/javascript' } },
  },
  {
    id: 'index',
    method: 'GET',
    path: '/',
    summary: 'Say what is here; to a browser, show how the installation fares.',
    tag: 'operations',
    secured: false,
    answers: { 200: { description: 'Names and paths, or the status page.' } },
  },
] as const satisfies readonly Operation[];

export type Listed = (typeof operations)[number];

type Parsed<O, K extends string> = O extends { readonly [P in K]: infer S extends z.ZodType }
  ? z.output<S>
  : null;

/** What a handler of one of the operations `L` is given: everything checked against the operation's schemas. */
export type Input<L extends Operation, Id extends L['id']> = {
  readonly [O in L as O['id']]: {
    readonly params: Parsed<O, 'params'>;
    readonly query: Parsed<O, 'query'>;
    readonly body: Parsed<O, 'body'>;
  };
}[Id];
