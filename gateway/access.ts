import { randomUUID } from 'node:crypto';
import type { Producer } from '../schemas/generated/types.ts';
import { envelope } from '../streams/event.ts';
import type { EventAppender } from '../streams/event-log.ts';
import type { Call } from './call.ts';

/** What is looked at or done, and how: `action` is a stable word. */
export type Access = { readonly action: string; readonly resource: string };

/** Puts on the log who looks at what is not its own, or changes what others depend on. */
export interface AccessRecord {
  /** Resolves when the log has it: to be awaited before anything is shown. Throws as EventAppender.append does. */
  record(call: Call, access: Access, allowed?: boolean): Promise<void>;
}

export function createAccessRecord(deps: {
  readonly appender: Pick<EventAppender, 'append'>;
  readonly topic: string;
  readonly producer: Producer;
}): AccessRecord {
  const { appender, topic, producer } = deps;
  return {
    record({ caller, requestId }, { action, resource }, allowed = true) {
      const { tenantId, principal } = caller;
      // The caller chooses its request id: two looks under one id are still two.
      const cause = { eventId: `acc_${randomUUID()}`, correlationId: requestId, tenantId };
      const data = { ...envelope(cause, action, producer, Date.now()), principal, action, resource };
      return appender.append([
        {
          type: 'AccessRecorded',
          data: { ...data, allowed, purpose: null },
          ...{ topic, key: tenantId, partition: null },
        },
      ]);
    },
  };
}
