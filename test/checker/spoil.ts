import type { LoggedEvent } from '../../streams/event.ts';
import type { Evidence, LogAsRead, SeenFrame, Witnessed } from './evidence.ts';

/** Changes evidence of a run that was right, so that it is of one that was wrong. All throw where there is nothing to spoil. */

type EventType = LoggedEvent['type'];

/** An answer that came in several pieces, was resumed or not, and ended well. */
export function aStream({ messages }: Evidence): Witnessed {
  return need(
    messages.find(
      ({ outcome, frames, transport }) =>
        outcome === 'completed' && transport !== 'responses' && frames.length > 6,
    ),
  );
}

export function need<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('the run has nothing to plant this defect in');
  return found;
}

export function withMessage(
  evidence: Evidence,
  change: (message: Witnessed) => Partial<Witnessed>,
): Evidence {
  const chosen = aStream(evidence);
  const messages = evidence.messages.map((message) =>
    message === chosen ? { ...message, ...change(message) } : message,
  );
  return { ...evidence, messages };
}

export function withFrames(
  evidence: Evidence,
  change: (frames: readonly SeenFrame[]) => readonly SeenFrame[],
): Evidence {
  return withMessage(evidence, ({ frames }) => ({ frames: [...change(frames)] }));
}

export function withLog(
  evidence: Evidence,
  part: keyof LogAsRead,
  change: (events: readonly LoggedEvent[]) => readonly LoggedEvent[],
): Evidence {
  return { ...evidence, log: { ...evidence.log, [part]: change(evidence.log[part]) } };
}

/** The first event of a type about the chosen stream. */
function eventOf<T extends EventType>(
  evidence: Evidence,
  part: keyof LogAsRead,
  type: T,
): Extract<LoggedEvent, { type: T }> {
  const { inferenceId } = aStream(evidence);
  // `type` is compared before.
  return need(
    evidence.log[part].find(
      (event) => event.type === type && 'inferenceId' in event.data && event.data.inferenceId === inferenceId,
    ),
  ) as Extract<LoggedEvent, { type: T }>;
}

/** Leaves out what a repeat appended too; of deltas the second alone, for a hole in the middle. */
export function without(evidence: Evidence, part: keyof LogAsRead, type: EventType): Evidence {
  eventOf(evidence, part, type);
  const { inferenceId } = aStream(evidence);
  const isGone = (event: LoggedEvent): boolean =>
    event.type === type &&
    'inferenceId' in event.data &&
    event.data.inferenceId === inferenceId &&
    (event.type !== 'InferenceDelta' || event.data.seq === 1);
  return withLog(evidence, part, (events) => events.filter((event) => !isGone(event)));
}

/** Replaces fields of an event's data, or adds the changed one behind the others. */
export function changed(
  evidence: Evidence,
  part: keyof LogAsRead,
  type: EventType,
  fields: Readonly<Record<string, unknown>>,
  how: 'replace' | 'add' = 'replace',
): Evidence {
  const original = eventOf(evidence, part, type);
  // Fields of the very type; TypeScript cannot tell from a name in a variable.
  const copy = { ...original, data: { ...original.data, ...fields } } as LoggedEvent;
  return withLog(evidence, part, (events) =>
    how === 'add' ? [...events, copy] : events.map((event) => (event === original ? copy : event)),
  );
}

export function otherTenant({ messages }: Evidence, tenant: string): Witnessed {
  return need(messages.find((message) => message.tenant !== tenant));
}

/** A prompt that holds an earlier turn. */
export function withPrompt<T>(
  evidence: Evidence,
  change: (messages: readonly T[]) => readonly T[],
): Evidence {
  const original = need(
    evidence.log.requests.find(
      (event) => event.type === 'InferenceRequested' && event.data.messages.length >= 3,
    ),
  );
  return withLog(evidence, 'requests', (events) =>
    events.map((event) =>
      event === original && event.type === 'InferenceRequested'
        ? // The messages keep their type: they are only moved.
          {
            ...event,
            data: { ...event.data, messages: change(event.data.messages as readonly T[]) as never },
          }
        : event,
    ),
  );
}
