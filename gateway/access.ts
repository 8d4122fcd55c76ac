import { randomUUID } from 'node:crypto';
import type { Producer } from '../schemas/generated/types.ts';
import { accessRecorded, type Look } from '../streams/access-recorded.ts';
import type { EventAppender } from '../streams/event-log.ts';
import type { Call } from './call.ts';

/** What is looked at or done, and how. */
export type Access = Pick<Look, 'action' | 'resource'>;

/** Puts on the log who looks at what is not its own. */
export interface AccessRecord {
  /** Resolves when the log has it: to be awaited before anything is shown. Throws as EventAppender.append does. */
  record(call: Call, access: Access): Promise<void>;
}

export function createAccessRecord(deps: {
  readonly appender: Pick<EventAppender, 'append'>;
  readonly topic: string;
  readonly producer: Producer;
}): AccessRecord {
  const { appender, topic, producer } = deps;
  return {
    record({ caller, requestId }, access) {
      const { tenantId, principal } = caller;
      // The caller chooses its request id: two looks under one id are still two.
      const cause = { eventId: `acc_${randomUUID()}`, correlationId: requestId, tenantId };
      return appender.append([
        accessRecorded(cause, producer, topic, { principal, ...access, purpose: null }),
      ]);
    },
  };
}
