import { plain } from '../../schemas/plain-json.ts';
import type { OwnedEvent } from './event-filter.ts';

/**
 * Writes an event as CloudEvents 1.0 has it in JSON, with the place where it lies as extensions. `id` is the same however
 * often the event is delivered; `time` is the producer's clock, `stenorecordedat` the broker's. Bytes are base64.
 */
export function eventJson(event: OwnedEvent, topic: string): string {
  const { type, data, partition, offset, time } = event;
  return JSON.stringify(
    {
      specversion: '1.0',
      id: data.eventId,
      source: `/steno/${data.producer.service}`,
      type: `steno.events.${type}`,
      time: new Date(data.occurredAt).toISOString(),
      ...subjectOf(event),
      datacontenttype: 'application/json',
      stenotopic: topic,
      stenopartition: partition,
      stenooffset: offset,
      stenorecordedat: new Date(time).toISOString(),
      data,
    },
    (_name, value: unknown) => plain(value),
  );
}

function subjectOf({ data }: OwnedEvent): { readonly subject?: string } {
  if ('conversationId' in data) return { subject: data.conversationId };
  return 'documentId' in data ? { subject: data.documentId } : {};
}
