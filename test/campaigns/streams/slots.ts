export const SLOTS = {
  'gateway-a': 'gateway',
  'gateway-b': 'gateway',
  'worker-a': 'inference-worker',
  'worker-b': 'inference-worker',
  processors: 'processors',
  projections: 'projections',
} as const;

/** A place for a process of a role, with a door of its own to the broker. */
export type SlotName = keyof typeof SLOTS;
export const slotNames = Object.keys(SLOTS) as readonly SlotName[];
