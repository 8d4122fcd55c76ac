import type { CancelRequested } from '../schemas/generated/types.ts';
import type { EventLog } from '../streams/event-log.ts';
import { followTopics } from '../streams/runner/follow-topics.ts';

/** Cancellations remembered; older ones are of inferences that ended long ago. */
const REMEMBERED = 100_000;

/** Every cancellation relayed to the workers, from the first one still on the log. */
export interface Cancellations {
  /** The cancellation of an inference, if there was one. */
  find(inferenceId: string): CancelRequested | null;
  /** Calls back when one arrives, at once if it has; returns how to stop listening. */
  listen(inferenceId: string, onCancel: (cancel: CancelRequested) => void): () => void;
  stop(): Promise<void>;
}

/** Reads the control topic without a group; resolves when everything that lay there at the call is known. */
export async function followCancellations(
  events: EventLog,
  topic: string,
  told: {
    /** A record that cannot be decoded was left out: every worker reads all, so none of them sets it aside. */
    readonly onPoison: () => void;
    readonly onFailure: (error: unknown) => void;
  },
): Promise<Cancellations> {
  const known = new Map<string, CancelRequested>();
  const listeners = new Map<string, (cancel: CancelRequested) => void>();
  function remember(cancel: CancelRequested): void {
    if (known.has(cancel.inferenceId)) return;
    known.set(cancel.inferenceId, cancel);
    for (const oldest of known.keys()) {
      if (known.size <= REMEMBERED) break;
      known.delete(oldest);
    }
    listeners.get(cancel.inferenceId)?.(cancel);
  }

  const follower = await followTopics(events, [topic], {
    ...{ name: 'control', ...told },
    onEvent(event) {
      if (event.type === 'CancelRequested') remember(event.data);
    },
  });

  return {
    find: (inferenceId) => known.get(inferenceId) ?? null,
    listen(inferenceId, onCancel) {
      const found = known.get(inferenceId);
      if (found !== undefined) onCancel(found);
      else listeners.set(inferenceId, onCancel);
      return () => listeners.delete(inferenceId);
    },
    stop: () => follower.stop(),
  };
}
