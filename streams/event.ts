import type { AnyEvent, EventType, Producer } from '../schemas/generated/types.ts';
import { deriveId } from './ids.ts';

/** An event where it lies on the log. `time` is the broker's append time: the only clock a fold may use. */
export type LoggedEvent<E extends AnyEvent = AnyEvent> = E & {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly time: number;
  /** W3C traceparent of whoever appended it. */
  readonly trace: string | null;
};

/** An event to append. `partition` null means by key, as Kafka's default partitioner does. */
export type NewEvent = AnyEvent & {
  readonly topic: string;
  readonly key: string;
  readonly partition: number | null;
  /** W3C traceparent to hand on. */
  readonly trace?: string | null;
};

/** The fields that every event body carries, whoever writes it. */
export type Envelope = {
  readonly eventId: string;
  readonly occurredAt: number;
  readonly causationId: string;
  readonly correlationId: string;
  readonly producer: Producer;
  readonly tenantId: string;
};

/** What an event is stamped from: the event that caused it. */
export type Cause = Pick<Envelope, 'eventId' | 'correlationId' | 'tenantId'>;

/**
 * Returns the envelope of an event that `cause` leads to in the step named. The same cause and step give the same
 * event id, so that readers drop what a retry appends again.
 */
export function envelope(cause: Cause, step: string, producer: Producer, occurredAt: number): Envelope {
  return {
    eventId: deriveId('evt', cause.eventId, step),
    occurredAt,
    causationId: cause.eventId,
    correlationId: cause.correlationId,
    producer,
    tenantId: cause.tenantId,
  };
}

/** True if the event is of one of the types named. */
export function isType<T extends EventType>(
  event: AnyEvent,
  ...types: readonly T[]
): event is Extract<AnyEvent, { type: T }> {
  return (types as readonly EventType[]).includes(event.type);
}
