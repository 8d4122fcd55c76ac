import { z } from 'zod';
import { completionRequest } from './completion-request.ts';
import { responseOperations } from './responses/operations.ts';

/** What clients of OpenAI's API can ask for; part of the list of all operations, whose type checks it. */
export const openAiOperations = [
  {
    id: 'complete',
    method: 'POST',
    path: '/v1/chat/completions',
    summary: "Complete a chat in OpenAI's shape, as a stream of chunks or in one piece.",
    tag: 'chat',
    secured: true,
    body: completionRequest,
    openBody: true,
    bodyFactor: 16,
    idempotencyKey: true,
    answers: {
      200: {
        description: 'The completion; with `stream` as server-sent events.',
        schema: z.looseObject({ id: z.string(), object: z.literal('chat.completion') }),
      },
    },
  },
  ...responseOperations,
  {
    id: 'listModels',
    method: 'GET',
    path: '/v1/models',
    summary: 'List the models that a message may name.',
    tag: 'chat',
    secured: true,
    answers: {
      200: {
        description: 'The models.',
        schema: z.strictObject({ object: z.literal('list'), data: z.array(z.looseObject({})) }),
      },
    },
  },
  {
    id: 'readModel',
    method: 'GET',
    path: '/v1/models/{id}',
    summary: 'Read what a model is; by an alias, the model that answers to it.',
    tag: 'chat',
    secured: true,
    params: z.strictObject({ id: z.string().min(1).max(256) }),
    answers: { 200: { description: 'The model.', schema: z.looseObject({ object: z.literal('model') }) } },
  },
] as const;
