import { asyncApiOf } from './async-api.ts';
import type { AccessRecord } from '../access.ts';
import type { Handlers } from '../http/exchange.ts';
import { planOf, type EventsQuery } from './plan.ts';
import type { Subscriptions } from './open-subscriptions.ts';

/** GET /v1/events: what happens, as it happens or as it happened. That somebody subscribes is recorded. */
export function subscriptionHandlers(deps: {
  readonly subscriptions: Subscriptions;
  readonly access: AccessRecord;
  readonly prefix: string;
  readonly version: string;
}): Pick<Handlers, 'subscribe' | 'asyncapi'> {
  const { subscriptions, access, prefix, version } = deps;
  let document: string | null = null;
  return {
    async asyncapi() {
      document ??= JSON.stringify(asyncApiOf(prefix, version));
      return { status: 200, body: document };
    },
    async subscribe({ query }, exchange) {
      const { call } = exchange;
      const plan = planOf(query, exchange.header('last-event-id'), call.caller.tenantId, call.grants);
      const admit = (): Promise<void> =>
        access.record(call, { action: 'subscribe', resource: resourceOf(plan.topics, query) });
      await subscriptions.open({ call, plan, admit, takeOver: () => exchange.takeOver() });
      return null;
    },
  };
}

/** What is subscribed to, as a query that anybody can read. */
function resourceOf(topics: readonly string[], { types, model, conversation_id, from }: EventsQuery): string {
  const query = new URLSearchParams({ topics: topics.join(',') });
  for (const [name, value] of Object.entries({ types, model, conversation_id, from }))
    if (value !== undefined) query.set(name, value);
  return `/v1/events?${query.toString()}`;
}
