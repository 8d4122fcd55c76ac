import type { DeadLetter } from '../../streams/dead-letters.ts';
import type { EventLog } from '../../streams/event-log.ts';
import type { RawRecord } from '../../streams/log.ts';
import { decodeBatch } from '../../streams/runner/decode-batch.ts';

/** What the original bytes say to the schemas of today, or why they say nothing. */
export type OriginalEvent =
  | { readonly type: string; readonly data: unknown }
  | { readonly type: null; readonly code: string; readonly message: string };

/** Decodes the original; without `content` every text that is no identifier is replaced by its length. */
export async function originalEvent(
  events: EventLog,
  letter: DeadLetter,
  value: Buffer,
  content: boolean,
  signal: AbortSignal,
): Promise<OriginalEvent> {
  const { topic, partition, offset, timestamp, key, originalHeaders } = letter;
  const record: RawRecord = {
    ...{ topic, partition, offset, timestamp, value },
    key: Buffer.from(key),
    headers: originalHeaders,
  };
  const decoded = await decodeBatch(events, [record], signal);
  const [event] = decoded.events;
  if (event !== undefined)
    return { type: event.type, data: content ? event.data : withoutText(event.data, null) };
  const [poison] = decoded.poison;
  if (poison === undefined) throw signal.reason;
  return { type: null, code: poison.error.code, message: poison.error.message };
}

/** Fields whose text names something of the platform's own. Whatever is not known to be one may be a person's words. */
const NAMES =
  /(Id|Ids|Hash|Fingerprint|Version)$|^(type|role|kind|tier|pool|model|service|version|outcome|reason|claim|engine|finishReason)$/;
/** What a caller chose freely, names included. */
const FREE = /^(metadata|parameters)$/;

/** The same shape with the length in place of each text and of bytes. */
export function withoutText(value: unknown, field: string | null): unknown {
  if (typeof value === 'string')
    return field !== null && NAMES.test(field) ? value : `(${value.length} characters)`;
  if (Buffer.isBuffer(value)) return `(${value.length} bytes)`;
  if (Array.isArray(value)) return value.map((item: unknown) => withoutText(item, field));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]: [string, unknown]) => [
      name,
      FREE.test(name) && item !== null ? '(left out)' : withoutText(item, name),
    ]),
  );
}
