import type { MessageSubmitted, PromptMessage } from '../../schemas/generated/types.ts';
import { textOf } from '../../streams/parts.ts';
import { countTokens } from './count-tokens.ts';
import type { Conversation, Place, Preceding, Turn } from './state.ts';

/**
 * Returns where in the tree a message goes and what it says, or null if what it names does not exist. One that brings
 * the history of its conversation goes where that history ends: the longest stored path that the history begins with
 * is its parent's, what is left precedes it. If the caller changed what was said before, the message begins a branch;
 * if nothing is the same, a new root. With a history, no message follows the head by default.
 */
export function placeOf(data: MessageSubmitted, { row, turns, paths }: Conversation): Place | null {
  const { eventId, kind, parentId, targetId, parts, preceding, role } = data;
  const instructions = data.instructions?.text ?? null;
  if (kind === 'regenerate' || kind === 'edit') {
    // The place stays, and so does what was said before it.
    const target = targetId === null ? undefined : turns.get(targetId);
    if (target === undefined) return null;
    const said = kind === 'regenerate' ? target.parts : parts;
    const { role: speaker, preceding: before, instructions: kept } = target;
    return placeUnder(target.parentId, turns, {
      eventId,
      role: kind === 'regenerate' ? speaker : role,
      parts: said,
      preceding: before,
      instructions: kept,
    });
  }
  if (parentId !== null && !turns.has(parentId)) return null;
  const said = { eventId, role, parts, preceding: [], instructions };
  if (preceding.length === 0) return placeUnder(parentId ?? row.head, turns, said);
  const found = paths.find(turns, preceding, parentId);
  const own = preceding.slice(found.held).map(counted);
  return placeUnder(found.parentId, turns, { ...said, preceding: own }, found.held);
}

function placeUnder(
  parentId: string | null,
  turns: ReadonlyMap<string, Turn>,
  said: Pick<Place, 'role' | 'parts' | 'preceding' | 'instructions'> & { readonly eventId: string },
  held = 0,
): Place {
  const { eventId, role, parts, preceding, instructions } = said;
  const root = preceding[0]?.role === 'system' ? eventId : null;
  const systemFrom = parentId === null ? root : (turns.get(parentId)?.systemFrom ?? null);
  return { parentId, role, parts, preceding, held, systemFrom, instructions };
}

function counted({ role, parts }: PromptMessage): Preceding {
  return { role, parts, tokens: countTokens(textOf(parts)) };
}
