import type { NewEvent } from '../../streams/event.ts';
import type { Producer } from '../../schemas/generated/types.ts';
import type { ConversationRow, Turn } from './state.ts';

/** What a model allows, from the catalogue. */
export type ModelLimits = {
  readonly contextLength: number;
  /** How long one inference may take, in milliseconds. */
  readonly deadlineMillis: number;
};

/** Everything that decides besides the event and the conversation: configuration, never a clock or a lookup. */
export type Rules = {
  readonly models: ReadonlyMap<string, ModelLimits>;
  /** Characters of history in a prompt; null for no limit but tokens. */
  readonly maxCharacters: number | null;
  /** Age at which history leaves the prompt; null for never. */
  readonly ttlMillis: number | null;
  readonly topics: {
    readonly conversations: string;
    readonly deltas: string;
    readonly turns: string;
    readonly control: string;
    readonly requests: (pool: string, tier: string) => string;
  };
  readonly producer: Producer;
  readonly conversationPartition: number;
};

/** What an event leads to: facts to append, and what changes in the conversation. */
export type Decision = {
  readonly outputs: readonly NewEvent[];
  /** The new conversation row, or null if it stays as it is. */
  readonly row: ConversationRow | null;
  /** New and changed turns. */
  readonly turns: readonly Turn[];
  /** True if everything known of the conversation but its row goes. */
  readonly forget: boolean;
};

export const nothing: Decision = { outputs: [], row: null, turns: [], forget: false };

/** Most messages of one conversation that wait for an answer before them. */
export const MAX_PARKED = 4;

/** Where the catalogue no longer knows the model, in milliseconds. */
const DEFAULT_DEADLINE = 600_000;

/** A batch may wait for half of what its request is kept for: nobody is promised to be served before. */
const BATCH_DEADLINE = 12 * 3_600_000;

/** Returns how long an inference of this model and tier may take, in milliseconds. */
export function deadlineOf(rules: Pick<Rules, 'models'>, model: string, tier: string): number {
  const own = rules.models.get(model)?.deadlineMillis ?? DEFAULT_DEADLINE;
  return tier === 'batch' ? Math.max(own, BATCH_DEADLINE) : own;
}
