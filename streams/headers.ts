import type { AnyEvent, EventType } from '../schemas/generated/types.ts';
import type { NewEvent } from './event.ts';

/** Events that carry only what a reader of the stream needs: no headers. */
const BARE: ReadonlySet<EventType> = new Set(['InferenceDelta', 'InferenceEnded', 'InferenceAttached']);

/** Names the inference on records of conversations, so that one that cannot be decoded can still be failed. */
export const INFERENCE_HEADER = 'steno_inference_id';

/** CloudEvents 1.0 headers in Kafka's binary content mode, W3C trace context, and Steno's own. */
export function headersOf(event: NewEvent, schemaAddress: string): ReadonlyMap<string, string> | undefined {
  if (BARE.has(event.type)) return undefined;
  const data = event.data as Partial<Extract<AnyEvent, { type: 'MessageSubmitted' }>['data']>;
  const headers = new Map<string, string>([
    ['ce_specversion', '1.0'],
    ['ce_id', data.eventId ?? ''],
    ['ce_source', `/steno/${data.producer?.service ?? 'unknown'}`],
    ['ce_type', `steno.events.${event.type}`],
    ['ce_time', new Date(data.occurredAt ?? 0).toISOString()],
    ['ce_subject', event.key],
    ['ce_dataschema', schemaAddress],
    ['content-type', 'application/avro'],
  ]);
  if (data.inferenceId !== undefined) headers.set(INFERENCE_HEADER, data.inferenceId);
  if (event.trace !== undefined && event.trace !== null) headers.set('traceparent', event.trace);
  return headers;
}
