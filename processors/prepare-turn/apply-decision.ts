import { PathIndex } from './paths.ts';
import type { Decision } from './rules.ts';
import type { Conversation, Turn } from './state.ts';

/** Returns the conversation after a decision, for a reader that keeps one in memory and nothing else. */
export function applyDecision(conversation: Conversation | null, decision: Decision): Conversation | null {
  const row = decision.row ?? conversation?.row;
  if (row === undefined) return null;
  const kept: Iterable<Turn> = decision.forget ? [] : (conversation?.turns.values() ?? []);
  const turns = new Map([...kept, ...decision.turns].map((turn) => [turn.messageId, turn]));
  const byInference = new Map([...turns.values()].map((turn) => [turn.inferenceId, turn.messageId]));
  return { row, turns, byInference, paths: pathsOf(turns.values()) };
}

function pathsOf(turns: Iterable<Turn>): PathIndex {
  const paths = new PathIndex();
  for (const turn of turns) if (turn.status === 'ended') paths.add(turn);
  return paths;
}
