import type { LoggedEvent } from '../../../streams/event.ts';
import type { Evidence, Rule } from '../evidence.ts';
import { endsOf } from '../read-log.ts';

export const order: Rule = {
  promise: 'P8',
  says: 'a prompt holds what its conversation said before it, in the order of the log',
  check,
};

type Turn = { readonly asked: string; readonly offset: number; readonly inferenceId: string };

function check({ log }: Evidence): readonly string[] {
  const ends = endsOf(log.conversations);
  const turns = new Map<string, Turn[]>();
  for (const event of log.conversations) {
    if (event.type !== 'MessageSubmitted') continue;
    const { conversationId, inferenceId, parts } = event.data;
    const known = turns.get(conversationId) ?? [];
    if (known.some((turn) => turn.inferenceId === inferenceId)) continue;
    known.push({ asked: textOf(parts), offset: event.offset, inferenceId });
    turns.set(conversationId, known);
  }
  return log.requests.flatMap((event) => {
    if (event.type !== 'InferenceRequested') return [];
    const { conversationId, inferenceId, messages } = event.data;
    const own = turns.get(conversationId) ?? [];
    const place = own.findIndex((turn) => turn.inferenceId === inferenceId);
    if (place < 0) return [`${inferenceId}: requested, and its message is not on the log`];
    const due = own.slice(0, place + 1).flatMap((turn, index) => {
      const end = ends.get(turn.inferenceId);
      if (index === place) return [turn.asked];
      return end?.outcome === 'completed' ? [turn.asked, end.text] : [];
    });
    const said = messages.map(({ parts }) => textOf(parts));
    return isInOrder(due, said)
      ? []
      : [`${inferenceId}: its prompt lacks what was said before, or its order`];
  });
}

/** True if all of `due` stand in `said`, in this order. */
function isInOrder(due: readonly string[], said: readonly string[]): boolean {
  let from = 0;
  for (const text of due) {
    const at = said.indexOf(text, from);
    if (at < 0) return false;
    from = at + 1;
  }
  return true;
}

function textOf(parts: Extract<LoggedEvent, { type: 'MessageSubmitted' }>['data']['parts']): string {
  return parts.map(({ text }) => text?.text ?? '').join('');
}
