/** What whoever replays the log needs of this processor: the same pure function that made the prompts. */
export { applyDecision } from './apply-decision.ts';
export { decide } from './decide.ts';
export type { Rules } from './rules.ts';
export type { Conversation } from './state.ts';
