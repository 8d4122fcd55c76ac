import type { AnyEvent, EventType } from '../schemas/generated/types.ts';
import type { NewEvent } from './event.ts';

/** Events that carry only what a reader of the stream needs: no headers. */
const BARE: ReadonlySet<EventType> = new Set(['InferenceDelta', 'InferenceEnded', 'InferenceAttached']);

/** True for an event whose records carry no headers, and so no trace. */
export function isBare(type: EventType): boolean {
  return BARE.has(type);
}

/** Names the inference on records of conversations, so that one that cannot be decoded can still be failed. */
export const INFERENCE_HEADER = 'steno_inference_id';

const SPEC_VERSION = Buffer.from('1.0');
const CONTENT_TYPE = Buffer.from('application/avro');
/** Bytes of values that come from closed sets: made once, not for every record. */
const bytes = new Map<string, Buffer>();

function bytesOf(value: string): Buffer {
  let found = bytes.get(value);
  if (found === undefined) {
    found = Buffer.from(value);
    bytes.set(value, found);
  }
  return found;
}

/** CloudEvents 1.0 headers in Kafka's binary content mode, W3C trace context, and Steno's own. */
export function headersOf(
  event: NewEvent,
  schemaAddress: string,
): ReadonlyMap<string, string | Buffer> | undefined {
  if (BARE.has(event.type)) return undefined;
  const data = event.data as Partial<Extract<AnyEvent, { type: 'MessageSubmitted' }>['data']>;
  const headers = new Map<string, string | Buffer>();
  headers.set('ce_specversion', SPEC_VERSION);
  headers.set('ce_id', data.eventId ?? '');
  headers.set('ce_source', bytesOf(`/steno/${data.producer?.service ?? 'unknown'}`));
  headers.set('ce_type', bytesOf(`steno.events.${event.type}`));
  headers.set('ce_time', new Date(data.occurredAt ?? 0).toISOString());
  headers.set('ce_subject', event.key);
  headers.set('ce_dataschema', bytesOf(schemaAddress));
  headers.set('content-type', CONTENT_TYPE);
  if (data.inferenceId !== undefined) headers.set(INFERENCE_HEADER, data.inferenceId);
  if (event.trace !== undefined && event.trace !== null) headers.set('traceparent', event.trace);
  return headers;
}
