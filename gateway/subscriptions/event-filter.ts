import type { EventType } from '../../schemas/generated/types.ts';
import type { Envelope, LoggedEvent } from '../../streams/event.ts';

/** Which events of a tenant are wanted; null for all. */
export type EventFilter = {
  readonly tenantId: string;
  readonly types: readonly EventType[] | null;
  /** Id of the model that answered, was used or is judged: events that name none are left out. */
  readonly model: string | null;
  readonly conversationId: string | null;
};

/** An event that says whose it is and where it comes from. */
export type OwnedEvent = LoggedEvent & { readonly data: Envelope };

/** True for an event that is the tenant's, and wanted. */
export function isWanted(filter: EventFilter, event: LoggedEvent): event is OwnedEvent {
  const { types, model, conversationId } = filter;
  const { type, data } = event;
  if (!('tenantId' in data) || data.tenantId !== filter.tenantId) return false;
  if (types !== null && !types.includes(type)) return false;
  if (model !== null && !('model' in data && data.model === model)) return false;
  return conversationId === null || ('conversationId' in data && data.conversationId === conversationId);
}
