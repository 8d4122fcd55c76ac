import { z } from 'zod';
import { idParams } from '../../requests.ts';
import { responseRequest } from './response-request.ts';

const response = z.looseObject({ id: z.string(), object: z.literal('response') });
const number = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** The query of GET /v1/responses/{id}. */
const readQuery = z.strictObject({
  stream: z.enum(['true', 'false']).optional().describe('Read the events in place of the response.'),
  starting_after: number.optional().describe('The `sequence_number` of the last event received.'),
  include_obfuscation: z.enum(['true', 'false']).optional().describe('Ignored: nothing is padded.'),
});

/** OpenAI's Responses API; part of the list of all operations, whose type checks it. */
export const responseOperations = [
  {
    id: 'createResponse',
    method: 'POST',
    path: '/v1/responses',
    summary: "Ask for a response in the shape of OpenAI's Responses API, as events or in one piece.",
    tag: 'chat',
    secured: true,
    body: responseRequest,
    openBody: true,
    bodyFactor: 16,
    idempotencyKey: true,
    answers: {
      200: { description: 'The response; with `stream` as server-sent events.', schema: response },
    },
  },
  {
    id: 'readResponse',
    method: 'GET',
    path: '/v1/responses/{id}',
    summary: 'Read a response as it stands, or its events from any point on, running or finished.',
    tag: 'chat',
    secured: true,
    params: idParams,
    query: readQuery,
    answers: {
      200: { description: 'The response; with `stream` as server-sent events.', schema: response },
    },
  },
  {
    id: 'cancelResponse',
    method: 'POST',
    path: '/v1/responses/{id}/cancel',
    summary: 'Stop a response; what was said is kept. One that has ended stays as it is.',
    tag: 'chat',
    secured: true,
    params: idParams,
    answers: { 200: { description: 'The response as it stands then.', schema: response } },
  },
  {
    id: 'deleteResponse',
    method: 'DELETE',
    path: '/v1/responses/{id}',
    summary: 'Not supported: the log keeps every response.',
    tag: 'chat',
    secured: true,
    params: idParams,
    answers: { 501: { description: 'It cannot be deleted.' } },
  },
] as const;
