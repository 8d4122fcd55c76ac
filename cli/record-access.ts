import type { Producer } from '../schemas/generated/types.ts';
import { envelope } from '../streams/event.ts';
import type { EventLog } from '../streams/event-log.ts';

/** Puts on the log that somebody looks, before anything is shown. */
export async function recordAccess(
  {
    events,
    topic,
    producer,
    actor,
  }: {
    readonly events: EventLog;
    readonly topic: string;
    readonly producer: Producer;
    readonly actor: string;
  },
  look: {
    readonly tenantId: string;
    readonly correlationId: string;
    readonly action: string;
    readonly resource: string;
    readonly purpose: string | null;
  },
): Promise<void> {
  const { tenantId, correlationId, action, resource, purpose } = look;
  const now = Date.now();
  const cause = { eventId: `cmd_${now}_${process.pid}`, correlationId, tenantId };
  const appender = events.openAppender('access');
  await appender.append([
    {
      type: 'AccessRecorded',
      data: {
        ...envelope(cause, `${action}:${resource}`, producer, now),
        ...{ principal: actor, action, resource, allowed: true, purpose },
      },
      ...{ topic, key: tenantId, partition: null },
    },
  ]);
  await appender.close();
}
