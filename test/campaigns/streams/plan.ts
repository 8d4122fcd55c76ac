import { seededRandom, type Random } from '../../support/random.ts';
import { points, type Point } from './points.ts';
import { slotNames, type SlotName } from './slots.ts';

/** Something that goes wrong. `afterMs` counts from when answers stream. */
export type Fault = Happening & { readonly afterMs: number };

type Happening =
  | { readonly kind: 'kill'; readonly slot: SlotName; readonly seen: boolean }
  | { readonly kind: 'point'; readonly point: Point; readonly slot: SlotName }
  | { readonly kind: 'freeze'; readonly slot: SlotName; readonly forMs: number }
  | { readonly kind: 'stop'; readonly slot: SlotName }
  | { readonly kind: 'cut' | 'delay' | 'hold-produce'; readonly slot: SlotName; readonly forMs: number }
  | { readonly kind: 'broker-killed' | 'registry-down'; readonly forMs: number }
  | { readonly kind: 'poison'; readonly dataset: PoisonedDataset };

/** Topics that groups read; who reads without one (reply partitions, control) counts poison and goes on. */
export type PoisonedDataset = 'conversations' | 'requests' | 'turns';

export type Plan = {
  readonly round: number;
  readonly faults: readonly Fault[];
  /** Milliseconds that the clocks of these are wrong by. */
  readonly clocks: ReadonlyMap<SlotName, number>;
};

const TWO_HOURS = 2 * 60 * 60 * 1000;
const SPREAD_MS = 1_200;
/** Now and then the broker is away for a minute, and nothing else happens. */
const LONG_EVERY = 50;
const LONG_MS = 60_000;
const rightClocks: Plan['clocks'] = new Map(slotNames.map((slot) => [slot, 0]));

/** Faults besides kills, in turn: each is met as often as the others. */
const OTHERS: readonly ((random: Random) => Happening)[] = [
  (random) => ({ kind: 'freeze', slot: random.pick(['worker-a', 'worker-b']), forMs: 3_500 }),
  (random) => ({ kind: 'stop', slot: random.pick(slotNames) }),
  () => ({ kind: 'broker-killed', forMs: 500 }),
  (random) => ({ kind: 'cut', slot: random.pick(slotNames), forMs: random.between(100, 3_000) }),
  (random) => ({ kind: 'poison', dataset: random.pick(['conversations', 'requests', 'turns']) }),
  (random) => ({ kind: 'delay', slot: random.pick(slotNames), forMs: random.between(50, 300) }),
  () => ({ kind: 'registry-down', forMs: 3_000 }),
  (random) => ({
    kind: 'hold-produce',
    slot: random.pick(['gateway-a', 'worker-a', 'processors']),
    forMs: 10_000,
  }),
  () => ({ kind: 'freeze', slot: 'processors', forMs: 3_500 }),
  () => ({ kind: 'freeze', slot: 'projections', forMs: 3_500 }),
  (random) => ({ kind: 'stop', slot: random.pick(['worker-a', 'worker-b', 'processors']) }),
];

/** Decides a round: one random kill, two named points in turn, and every second round something else. */
export function planRound(seed: number, round: number): Plan {
  const random = seededRandom(seed * 1_000 + round);
  const afterMs = (): number => random.between(0, SPREAD_MS);
  const taken = new Set<SlotName>();
  const free = (wanted: readonly SlotName[]): SlotName | null => {
    const left = wanted.filter((slot) => !taken.has(slot));
    if (left.length === 0) return null;
    const slot = random.pick(left);
    taken.add(slot);
    return slot;
  };
  const faults: Fault[] = [];
  // Half the list apart, so that two places of one process do not meet.
  for (const index of [round, round + Math.floor(points.length / 2)]) {
    const point = points[index % points.length];
    const slot = point === undefined ? null : free(point.slots);
    if (point === undefined || slot === null) continue;
    // Who takes over needs somebody to take over from.
    if (point.kind === 'takeover') for (const other of point.slots) taken.add(other);
    faults.push({ kind: 'point', point, slot, afterMs: afterMs() });
  }
  const turn = Math.floor(round / 2);
  // Whoever's turn it is, or the next one whose process has nothing else happen to it.
  const others = OTHERS.map((_, index) => OTHERS[(turn + index) % OTHERS.length]?.(random));
  const other = others.find((one) => one !== undefined && !('slot' in one && taken.has(one.slot)));
  if (round % 2 === 1 && other !== undefined) {
    if ('slot' in other) taken.add(other.slot);
    faults.push({ ...other, afterMs: afterMs() });
  }
  if (round % LONG_EVERY === LONG_EVERY - 1)
    return {
      round,
      faults: [{ kind: 'broker-killed', forMs: LONG_MS, afterMs: afterMs() }],
      clocks: rightClocks,
    };
  const victim = free(slotNames);
  if (victim !== null)
    faults.push({ kind: 'kill', slot: victim, seen: random.chance(0.7), afterMs: afterMs() });
  const clocks = new Map(
    slotNames.map((slot) => [slot, random.chance(0.3) ? random.pick([-TWO_HOURS, TWO_HOURS]) : 0]),
  );
  return { round, faults, clocks };
}

/** How a fault is called in reports. */
export function nameOf(fault: Fault): string {
  switch (fault.kind) {
    case 'point':
      return `killed ${fault.point.name}`;
    case 'kill':
      return fault.seen ? 'killed at random' : 'killed at random, host vanished';
    case 'freeze':
      return `${fault.slot.replace(/-[ab]$/, '')} frozen past its session`;
    case 'stop':
      return 'asked to stop';
    case 'cut':
      return 'network cut';
    case 'delay':
      return 'network slow';
    case 'hold-produce':
      return 'one produce request held 10 s';
    case 'broker-killed':
      return fault.forMs < LONG_MS ? 'broker killed' : 'broker away for a minute';
    case 'registry-down':
      return 'registry down';
    case 'poison':
      return `poison in ${fault.dataset}`;
  }
}
