import type { Producer } from '../schemas/generated/types.ts';
import { envelope, type Cause, type NewEvent } from './event.ts';

/** Who looked at what or did what; `action` is a stable word. */
export type Look = {
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  /** Why, where somebody said so. */
  readonly purpose: string | null;
};

/** Returns the event that says so, for the topic of audits. */
export function accessRecorded(cause: Cause, producer: Producer, topic: string, look: Look): NewEvent {
  const stamp = envelope(cause, `${look.action}:${look.resource}`, producer, Date.now());
  const data = { ...stamp, ...look, allowed: true };
  return { type: 'AccessRecorded', data, topic, key: cause.tenantId, partition: null };
}
