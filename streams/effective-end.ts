import type { EventOf } from '../schemas/generated/types.ts';

export type TerminalEvent = EventOf<'InferenceCompleted' | 'InferenceFailed' | 'InferenceCancelled'>;

/** What the conversation's log says of one inference so far. */
export type Ending = {
  /** Highest attempt that a taker announced on the conversation's log; 0 if none. */
  readonly fence: number;
  readonly ended: boolean;
};

export const noEnding: Ending = { fence: 0, ended: false };

/**
 * The effective terminal event is the first one on the conversation's log with no AttemptStarted of a higher attempt
 * of its inference before it. Returns the state after the event and whether this event is the effective one.
 */
export function foldEnding(
  ending: Ending,
  event: TerminalEvent | EventOf<'AttemptStarted'>,
): readonly [Ending, boolean] {
  if (event.type === 'AttemptStarted') {
    return [event.data.attempt > ending.fence ? { ...ending, fence: event.data.attempt } : ending, false];
  }
  if (ending.ended || event.data.attempt < ending.fence) return [ending, false];
  return [{ ...ending, ended: true }, true];
}

export function isTerminal(event: { readonly type: string }): event is TerminalEvent {
  return (
    event.type === 'InferenceCompleted' ||
    event.type === 'InferenceFailed' ||
    event.type === 'InferenceCancelled'
  );
}
