import { API } from './door.ts';
import type { Point } from './points.ts';
import type { Plan } from './plan.ts';
import type { Change } from './mutation-env.ts';
import type { SlotName } from './slots.ts';

/** The real system with one rule taken out, and the round in which that must show. */
export type KnownBad = {
  readonly name: string;
  /** The promises, one of which the checker must find broken. */
  readonly breaks: readonly string[];
  readonly change: Change;
  readonly plan: Plan;
};

/** The process is killed with a message that never reaches the broker. */
const swallowed: Point = {
  name: 'with a message that is lost on its way',
  slots: ['gateway-a', 'gateway-b'],
  kind: 'traffic',
  trap: () => ({ apiKey: API.produce, words: ['steno.events.MessageSubmitted'], when: 'swallowed', skip: 0 }),
};

export const knownBad: readonly KnownBad[] = [
  {
    name: 'a worker commits what it has taken, as autocommit does',
    // Its deadline still ends such an answer; what the dead worker did for it is counted by nobody.
    breaks: ['P1', 'P21'],
    change: {
      file: 'inference-workers/low-water.ts',
      from: 'for (const offset of this.#open) return offset;',
      to: '',
    },
    plan: plan([
      { kind: 'kill', slot: 'worker-a', seen: true, afterMs: 2_000 },
      { kind: 'kill', slot: 'worker-b', seen: true, afterMs: 2_000 },
    ]),
  },
  {
    name: 'prepare-turn does not know a message again',
    breaks: ['P1', 'P2', 'P3'],
    change: {
      file: 'processors/prepare-turn/submit.ts',
      from: 'if (known !== undefined && conversation?.row.tenantId === data.tenantId)',
      to: 'if (known === null)',
    },
    plan: plan([]),
  },
  {
    name: 'a gateway accepts before the log has it',
    breaks: ['P1'],
    change: { file: 'gateway/submit.ts', from: 'await appender.append([', to: 'void appender.append([' },
    plan: plan([
      {
        kind: 'point',
        slot: 'gateway-a',
        point: swallowed,
        afterMs: 500,
      },
      {
        kind: 'point',
        slot: 'gateway-b',
        point: swallowed,
        afterMs: 500,
      },
    ]),
  },
  {
    name: 'a gateway forgets the cursor of a resume',
    breaks: ['P3', 'P4'],
    change: {
      file: 'gateway/streams/stream-reader.ts',
      from: 'let cursor = options.cursor;',
      to: 'let cursor = -1;',
    },
    plan: plan([{ kind: 'kill', slot: 'gateway-a', seen: true, afterMs: 500 }]),
  },
];

function plan(faults: Plan['faults']): Plan {
  return { round: 0, faults, clocks: new Map<SlotName, number>() };
}
