import { decodeBatch } from '../../streams/runner/decode-batch.ts';
import type { EventLog } from '../../streams/event-log.ts';
import type { RawRecord } from '../../streams/log.ts';

/** A record as a person or a program reads it. */
export type TailRecord = {
  readonly partition: number;
  readonly offset: number;
  /** The broker's append time, ISO 8601. */
  readonly time: string;
  readonly key: string | null;
  /** Of the event; null if the record cannot be decoded. */
  readonly type: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, unknown>> | null;
  /** Why it cannot be decoded, and how many bytes its value has. */
  readonly error?: { readonly code: string; readonly message: string; readonly bytes: number };
};

/** What is shown; every field that is not undefined must fit. */
export type TailFilter = {
  readonly conversation?: string | undefined;
  readonly inference?: string | undefined;
  readonly type?: string | undefined;
};

/** Decodes one record. Waits for a registry that does not answer, until the signal aborts. */
export async function readRecord(
  events: EventLog,
  record: RawRecord,
  signal: AbortSignal,
): Promise<TailRecord> {
  const common = {
    partition: record.partition,
    offset: record.offset,
    time: new Date(record.timestamp).toISOString(),
    key: record.key?.toString('utf8') ?? null,
    headers: Object.fromEntries(record.headers.map(([name, value]) => [name, value.toString('utf8')])),
  };
  const { events: decoded, poison } = await decodeBatch(events, [record], signal);
  const [event] = decoded;
  // The data of every event is a record of its own fields.
  if (event !== undefined) return { ...common, type: event.type, data: { ...event.data } };
  const [bad] = poison;
  return {
    ...common,
    type: null,
    data: null,
    error: {
      code: bad?.error.code ?? 'not_decoded',
      message: bad?.error.message ?? 'the tail ended before the registry answered',
      bytes: record.value?.length ?? 0,
    },
  };
}

/** Whether a record is one of those asked for. One that cannot be decoded is told by its key and headers alone. */
export function fits(record: TailRecord, filter: TailFilter): boolean {
  const { conversation, inference, type } = filter;
  const { data, key, headers } = record;
  const named = (field: string): unknown => data?.[field];
  const header = (name: string): string | undefined => headers[name] ?? headers[`original_${name}`];
  if (conversation !== undefined && named('conversationId') !== conversation && key !== conversation)
    return false;
  if (
    inference !== undefined &&
    named('inferenceId') !== inference &&
    key !== inference &&
    header('steno_inference_id') !== inference
  )
    return false;
  if (type === undefined) return true;
  return record.type === null ? header('ce_type') === `steno.events.${type}` : record.type === type;
}
