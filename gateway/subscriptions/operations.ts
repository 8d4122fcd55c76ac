import { z } from 'zod';
import { eventsQuery } from './plan.ts';

/** What subscribers can ask for; part of the list of all operations, whose type checks it. */
export const subscriptionOperations = [
  {
    id: 'subscribe',
    method: 'GET',
    path: '/v1/events',
    summary: 'Subscribe to what is recorded of the tenant, from any place of the log on.',
    tag: 'events',
    secured: true,
    query: eventsQuery,
    answers: {
      200: {
        description:
          'Server-sent events without a name, each a CloudEvent in JSON, at least once, in order for each conversation; the id of each is where to go on from. Events caught_up, end, draining and error say how the stream stands.',
        schema: z.string(),
        media: 'text/event-stream',
      },
    },
  },
  {
    id: 'asyncapi',
    method: 'GET',
    path: '/asyncapi.json',
    summary: 'The events: every topic, every type, and what a subscription brings, as AsyncAPI 3.',
    tag: 'operations',
    secured: false,
    answers: { 200: { description: 'AsyncAPI 3.0.' } },
  },
] as const;
