import { CodecError } from '../schemas/codec-error.ts';
import { createCodec, type Codec, type UnreadFields } from '../schemas/codec.ts';
import type { EventType } from '../schemas/generated/types.ts';
import type { Registry } from '../schemas/registry.ts';
import { StenoError } from '../runtime/errors.ts';
import type { LoggedEvent, NewEvent } from './event.ts';
import { headersOf } from './headers.ts';
import type { Log, NewRecord, RawRecord, Urgency } from './log.ts';
import { partitionOf } from './partition.ts';
import { noTelemetry, type StreamTelemetry } from './telemetry.ts';
import { subjectOf, type Topic } from './topics.ts';
import { appendTraced } from './trace-appends.ts';

/** Appends events in call order. Throws as Appender.append does, and CodecError invalid_event before anything is sent. */
export interface EventAppender {
  append(events: readonly NewEvent[]): Promise<void>;
  readonly pending: number;
  close(): Promise<void>;
}

/** The log with events instead of bytes. */
export interface EventLog {
  readonly log: Log;
  readonly telemetry: StreamTelemetry;
  /** As Log.openAppender. */
  openAppender(name: string, urgency?: Urgency): EventAppender;
  /** Throws CodecError: unknown_schema_id means `learn` it first. */
  decode(record: RawRecord): LoggedEvent;
  /**
   * The same log for a reader that never looks at these fields, nor at the trace: what `decode` returns lacks them. For
   * reading a great deal.
   */
  leaving(unread: UnreadFields): EventLog;
  /** Asks the registry for a schema id. Throws CodecError if no event can read it, StenoError if it cannot be reached. */
  learn(schemaId: number): Promise<void>;
}

/**
 * Looks up the id of every schema on the topics named and opens the log with them.
 * Throws StenoError `schema_missing` if a subject lacks a schema, `registry_unreachable` (retryable).
 */
export async function openEventLog(
  log: Log,
  registry: Registry,
  registryAddress: string,
  topics: readonly Topic[],
  telemetry: StreamTelemetry = noTelemetry,
): Promise<EventLog> {
  const ids = await lookupIds(registry, topics);
  const counts = new Map<string, number>(topics.map(({ name, dataset }) => [name, dataset.partitions]));
  return wrapLog(log, registry, registryAddress, createCodec(ids), ids, counts, telemetry);
}

function wrapLog(
  log: Log,
  registry: Registry,
  address: string,
  codec: Codec,
  ids: ReadonlyMap<EventType, number>,
  counts: ReadonlyMap<string, number>,
  telemetry: StreamTelemetry,
  isLean = false,
): EventLog {
  const { tracer } = telemetry;
  const schemaAddresses = new Map([...ids].map(([type, id]) => [type, `${address}/schemas/ids/${id}`]));

  function toRecord(event: NewEvent): NewRecord {
    const headers = headersOf(event, schemaAddresses.get(event.type) ?? '');
    return {
      topic: event.topic,
      partition: event.partition ?? partitionOf(event.key, countOf(event.topic)),
      key: event.key,
      // The pair of type and data is kept together by NewEvent; TypeScript loses it when they are passed apart.
      value: codec.encode(event.type, event.data),
      ...(headers === undefined ? {} : { headers }),
    };
  }

  function countOf(topic: string): number {
    const count = counts.get(topic);
    if (count === undefined) throw new StenoError('topic_missing', `topic ${topic} is not in the catalogue`);
    return count;
  }

  return {
    log,
    telemetry,
    openAppender(name, urgency) {
      const appender = log.openAppender(name, urgency);
      telemetry.addAppender(name, appender);
      const append = (events: readonly NewEvent[]): Promise<void> => {
        let records: NewRecord[];
        try {
          records = events.map(toRecord);
        } catch (error) {
          return Promise.reject(error instanceof Error ? error : new Error('an event cannot be encoded'));
        }
        return appender.append(records);
      };
      return {
        append: tracer.on ? (events) => appendTraced(tracer, events, append) : append,
        get pending() {
          return appender.pending;
        },
        close: () => appender.close(),
      };
    },
    decode(record) {
      const { value } = record;
      if (value === null) throw new CodecError('malformed_record', 'the record has no value');
      const { type, data } = codec.decode(value);
      const trace = isLean ? null : traceOf(record);
      const { topic, partition, offset, timestamp } = record;
      return { type, data, topic, partition, offset, time: timestamp, trace } as LoggedEvent;
    },
    leaving: (unread) =>
      wrapLog(log, registry, address, createCodec(ids, unread), ids, counts, telemetry, true),
    async learn(schemaId) {
      let text: string;
      try {
        text = await registry.schemaText(schemaId);
      } catch (error) {
        if (error instanceof CodecError) throw error;
        throw unreachable(error);
      }
      codec.learn(schemaId, text);
    },
  };
}

function traceOf({ headers }: RawRecord): string | null {
  return headers.find(([name]) => name === 'traceparent')?.[1].toString('latin1') ?? null;
}

async function lookupIds(
  registry: Registry,
  topics: readonly Topic[],
): Promise<ReadonlyMap<EventType, number>> {
  // One schema has one id, whatever its subject: the first subject of each event is enough.
  const subjects = new Map<EventType, string>();
  for (const topic of topics) {
    for (const event of topic.dataset.events)
      if (!subjects.has(event)) subjects.set(event, subjectOf(topic, event));
  }
  return new Map(
    await Promise.all(
      [...subjects].map(
        async ([event, subject]) => [event, await lookupId(registry, event, subject)] as const,
      ),
    ),
  );
}

async function lookupId(registry: Registry, event: EventType, subject: string): Promise<number> {
  let id: number | null;
  try {
    id = await registry.lookup(subject, event);
  } catch (error) {
    throw unreachable(error);
  }
  if (id !== null) return id;
  throw new StenoError('schema_missing', `the registry has no schema of this version under ${subject}`, {
    fix: 'run steno topics apply',
  });
}

function unreachable(cause: unknown): StenoError {
  return new StenoError('registry_unreachable', 'the schema registry does not answer', {
    retryable: true,
    fix: 'start it or set STENO_REGISTRY_URL',
    cause,
  });
}
