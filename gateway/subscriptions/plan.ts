import { z } from 'zod';
import { maySubscribe, type Grants } from '../../policies/identity/grants.ts';
import type { EventType } from '../../schemas/generated/types.ts';
import { partitionOf } from '../../streams/partition.ts';
import { datasets, SUBSCRIBABLE } from '../../streams/topics.ts';
import { refuse } from '../problems.ts';
import { badCursor, positionsOf, type Positions } from './cursor.ts';
import type { EventFilter } from './event-filter.ts';

export type SubscribableTopic = (typeof SUBSCRIBABLE)[number];

const names = z.string().min(1).max(1_000);

/** The query of GET /v1/events. */
export const eventsQuery = z.strictObject({
  topics: names
    .optional()
    .describe(`Any of ${SUBSCRIBABLE.join(', ')}, with commas; all that the key may see if left out.`),
  types: names
    .optional()
    .describe('Types of events, with commas, such as InferenceCompleted; all if left out.'),
  model: z.string().min(1).max(256).optional().describe('Only events that name the model of this id.'),
  conversation_id: z.string().min(1).max(128).optional().describe('Only events of this conversation.'),
  from: names
    .optional()
    .describe(
      'Where to begin: latest (if left out), earliest, a time (ISO 8601, by the broker’s clock), or places such as turns:0:120, with commas: then only the partitions named are read.',
    ),
  after: z
    .string()
    .max(8_000)
    .optional()
    .describe('Id of the last event received, in place of from; the header Last-Event-ID goes before it.'),
  until: z.literal('end').optional().describe('Ends the stream where the log ended when it was opened.'),
});
export type EventsQuery = z.infer<typeof eventsQuery>;

/** Where reading begins: at an edge of the log, at a time (milliseconds since 1970), or at places. */
export type Start = 'latest' | 'earliest' | { readonly at: number } | { readonly places: Positions };

/** What a subscriber gets. */
export type Plan = {
  readonly topics: readonly SubscribableTopic[];
  readonly filter: EventFilter;
  readonly start: Start;
  /** The one partition of a topic that holds what is wanted; left out for topics that are read whole. */
  readonly partitions: ReadonlyMap<SubscribableTopic, number>;
  readonly endsAtEnd: boolean;
};

/**
 * Says what a caller gets that asks so. `lastEventId` is the header's. Throws `permission_denied`, `bad_cursor` and
 * `invalid_request`.
 */
export function planOf(
  query: EventsQuery,
  lastEventId: string | null,
  tenantId: string,
  grants: Grants,
): Plan {
  const topics = topicsOf(query.topics, grants);
  const types = query.types === undefined ? null : query.types.split(',').map((name) => typeOf(name, topics));
  const conversationId = query.conversation_id ?? null;
  return {
    topics,
    filter: { tenantId, types, model: query.model ?? null, conversationId },
    start: startOf(query, lastEventId, topics),
    partitions: new Map(
      conversationId === null
        ? []
        : topics.flatMap((topic) =>
            datasets[topic].key === 'conversationId'
              ? [[topic, partitionOf(conversationId, datasets[topic].partitions)]]
              : [],
          ),
    ),
    endsAtEnd: query.until === 'end',
  };
}

function topicsOf(named: string | undefined, grants: Grants): readonly SubscribableTopic[] {
  const allowed = SUBSCRIBABLE.filter((topic) => maySubscribe(grants, topic));
  const asked =
    named === undefined
      ? allowed
      : SUBSCRIBABLE.filter((topic) => new Set(named.split(',').map(topicOf)).has(topic));
  const denied = asked.find((topic) => !allowed.includes(topic));
  if (denied === undefined && asked.length > 0) return asked;
  throw refuse('permission_denied', `this key may not subscribe to ${denied ?? 'any topic'}`, {
    param: 'topics',
    fix:
      allowed.length === 0
        ? 'use a key that was made with --topic, or an auditor’s'
        : `name ${allowed.join(' or ')}`,
  });
}

function topicOf(name: string): SubscribableTopic {
  const found = SUBSCRIBABLE.find((topic) => topic === name);
  if (found !== undefined) return found;
  throw invalid('topics', `there is no topic ${name.slice(0, 64)} to subscribe to`, SUBSCRIBABLE.join(', '));
}

function typeOf(name: string, topics: readonly SubscribableTopic[]): EventType {
  const all = topics.flatMap((topic): readonly EventType[] => datasets[topic].events);
  const found = all.find((type) => type === name);
  if (found !== undefined) return found;
  throw invalid('types', `no topic that is read has events of type ${name.slice(0, 64)}`, all.join(', '));
}

function startOf(
  { from = 'latest', after }: EventsQuery,
  lastEventId: string | null,
  topics: readonly SubscribableTopic[],
): Start {
  const cursor = lastEventId ?? after ?? null;
  if (cursor !== null) return { places: checked(positionsOf(cursor), badCursor) };
  if (from === 'latest' || from === 'earliest') return from;
  if (/^\d{4}-/.test(from)) {
    const at = Date.parse(from);
    if (!Number.isNaN(at)) return { at };
  }
  return { places: checked(placesOf(from, topics), badFrom) };
}

/** Throws what `wrong` returns where a partition is named that there is not. */
function checked(positions: Positions, wrong: () => Error): Positions {
  for (const [topic, offsets] of positions) {
    const known = SUBSCRIBABLE.find((name) => name === topic);
    if (known === undefined || offsets.length > datasets[known].partitions) throw wrong();
  }
  return positions;
}

function placesOf(text: string, topics: readonly SubscribableTopic[]): Positions {
  const positions = new Map<string, (number | null)[]>(topics.map((topic) => [topic, []]));
  for (const place of text.split(',')) {
    const [, topic = '', partition = '', offset = ''] = /^([a-z]+):(\d{1,3}):(\d{1,15})$/.exec(place) ?? [];
    const offsets = positions.get(topic);
    if (offsets === undefined) throw badFrom();
    while (offsets.length <= Number(partition)) offsets.push(null);
    offsets[Number(partition)] = Number(offset);
  }
  return positions;
}

function badFrom(): Error {
  return invalid(
    'from',
    'from is no place of the log',
    'latest, earliest, a time such as 2026-01-31T12:00:00Z, or places such as turns:0:120 of topics that are read',
  );
}

function invalid(param: string, message: string, expected: string): Error {
  return refuse('invalid_request', message, { param, fix: `send ${expected}` });
}
