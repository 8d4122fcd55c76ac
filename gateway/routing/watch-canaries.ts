import { count, faultOf, nothingYet, type Tally } from '../../policies/routing/canary.ts';
import { withoutCanary, type Canary, type Routes } from '../../policies/routing/routes.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { followTopics, type TopicFollower } from '../../streams/runner/follow-topics.ts';

/** Judges the canaries of the routes that hold by the turns that are measured. */
export interface CanaryWatch {
  /** These routes hold since `at`, in broker time. */
  watch(routes: Routes, at: number): void;
  stop(): Promise<void>;
}

/** Turns of a partition that are read again when a watch begins: what a gateway before this one saw. */
const TURNS_BACK = 2_000;

/** Reads turns only while there is a canary. */
export function watchCanaries(options: {
  readonly events: EventLog;
  readonly turnsTopic: string;
  /** A canary is to be taken back: these routes shall hold instead. */
  readonly onFault: (routes: Routes, reason: string) => void;
  readonly onPoison: () => void;
  readonly onFailure: (error: unknown) => void;
}): CanaryWatch {
  let routes: Routes = {};
  let since = 0;
  let canaries: readonly (readonly [string, Canary])[] = [];
  const tallies = new Map<string, Tally>();
  let following: Promise<TopicFollower | null> | null = null;

  function follow(): Promise<TopicFollower | null> {
    return followTopics(options.events, [options.turnsTopic], {
      name: 'canaries',
      from: (_topic, _partition, _first, next) => next - TURNS_BACK,
      onEvent(event) {
        if (event.type !== 'TurnMeasured' || event.data.canaryBucket < 0 || event.data.submittedAt < since)
          return;
        for (const [name, canary] of canaries) {
          if (canary.model !== event.data.model) continue;
          const tally = count(tallies.get(name) ?? nothingYet, canary, event.data);
          tallies.set(name, tally);
          const fault = faultOf(tally, canary);
          if (fault === null) continue;
          // Told once: what holds next begins a watch of its own.
          canaries = canaries.filter(([other]) => other !== name);
          options.onFault(withoutCanary(routes, name), `canary of ${name}: ${fault}`);
        }
      },
      onPoison: options.onPoison,
      onFailure: options.onFailure,
    }).catch((error: unknown) => {
      options.onFailure(error);
      return null;
    });
  }

  async function stop(): Promise<void> {
    const stopping = following;
    following = null;
    await (await stopping)?.stop();
  }

  return {
    watch(next, at) {
      [routes, since] = [next, at];
      tallies.clear();
      canaries = Object.entries(next).flatMap(([name, { canary }]) =>
        canary === null ? [] : [[name, canary] as const],
      );
      if (canaries.length === 0) void stop();
      else following ??= follow();
    },
    stop,
  };
}
