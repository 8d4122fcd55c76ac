import { API, type Trap } from './door.ts';
import type { SlotName } from './slots.ts';

/** A named place at which a process is killed. */
export type Point = {
  readonly name: string;
  readonly slots: readonly SlotName[];
} & (
  | { readonly kind: 'traffic'; readonly trap: (prefix: string) => Omit<Trap, 'spring'> }
  /** Right after the process wrote to its database. */
  | { readonly kind: 'database'; readonly folder: string }
  /** As `traffic`, but only a worker that takes over passes here: another one is killed first. */
  | { readonly kind: 'takeover'; readonly trap: (prefix: string) => Omit<Trap, 'spring'> }
);

const GATEWAYS: readonly SlotName[] = ['gateway-a', 'gateway-b'];
const WORKERS: readonly SlotName[] = ['worker-a', 'worker-b'];
const WHEN = ['before', 'unacked', 'acked'] as const;

const SAID = {
  before: 'before the append of',
  unacked: 'between append and acknowledgement of',
  acked: 'after the acknowledgement of',
} as const;

function produced(
  what: string,
  slots: readonly SlotName[],
  event: string | null,
  options: { readonly dataset?: string; readonly skip?: number; readonly kind?: 'traffic' | 'takeover' } = {},
): readonly Point[] {
  const { dataset = null, skip = 0, kind = 'traffic' } = options;
  return WHEN.map((when) => ({
    name: `${SAID[when]} ${what}`,
    slots,
    kind,
    trap: (prefix) => ({
      apiKey: API.produce,
      words: [
        ...(event === null ? [] : [`steno.events.${event}`]),
        ...(dataset === null ? [] : [`${prefix}.${dataset}.v1`]),
      ],
      when,
      skip,
    }),
  }));
}

/** Every place that has a name: where a promise could break if the order of steps were wrong. */
export const points: readonly Point[] = [
  ...produced('a message', GATEWAYS, 'MessageSubmitted'),
  ...produced('a request', ['processors'], 'InferenceRequested'),
  ...produced('the word that an answer ended', ['processors'], null, { dataset: 'inference-deltas' }),
  ...produced('a first delta', WORKERS, 'AttemptStarted', { dataset: 'inference-deltas' }),
  ...produced('a later delta', WORKERS, null, { dataset: 'inference-deltas', skip: 6 }),
  ...produced('a terminal event', WORKERS, 'InferenceCompleted'),
  ...produced('a fence on the record', WORKERS, 'AttemptStarted', {
    dataset: 'conversations',
    kind: 'takeover',
  }),
  ...WHEN.map((when): Point => ({
    name: `${SAID[when]} an offset commit`,
    slots: WORKERS,
    kind: 'traffic',
    trap: () => ({ apiKey: API.offsetCommit, words: [], when, skip: 0 }),
  })),
  {
    name: 'after a commit of the processor’s database',
    slots: ['processors'],
    kind: 'database',
    folder: 'processors',
  },
  {
    name: 'after a commit of the read model',
    slots: ['projections'],
    kind: 'database',
    folder: 'projections',
  },
];
