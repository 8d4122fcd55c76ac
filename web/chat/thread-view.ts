import { element } from './element.ts';
import type { Shown } from './thread.ts';
import { createTurnView, type TurnActions, type TurnView } from './turn-view.ts';
import { besideOf, versionsOf, type Turn } from './turns.ts';

/** A reader this near to the end wants to see what comes. */
const NEAR_PIXELS = 80;

/** Shows a conversation inside `root`, which scrolls. */
export function createThreadView(root: HTMLElement, actions: TurnActions): { show(shown: Shown): void } {
  const views = new Map<string, TurnView>();
  const list = element('div', { class: 'turns' });
  const welcome = element(
    'div',
    { class: 'welcome' },
    element('p', { class: 'lead' }, 'What would you like to know?'),
    element(
      'p',
      {},
      'Everything that is said here is recorded, and an answer outlives this page: close it, and come back.',
    ),
  );
  root.append(welcome, list);
  let isFollowing = true;
  root.addEventListener(
    'scroll',
    () => (isFollowing = root.scrollHeight - root.scrollTop - root.clientHeight < NEAR_PIXELS),
    { passive: true },
  );
  let conversation: string | null = null;

  function viewOf(turn: Turn): TurnView {
    const view = views.get(turn.key) ?? createTurnView(turn, actions);
    views.set(turn.key, view);
    return view;
  }

  return {
    show({ conversationId, turns, path }) {
      if (conversationId !== conversation || list.childElementCount === 0) isFollowing = true;
      conversation = conversationId;
      welcome.hidden = path.length > 0;
      const rows = path.map((turn) => {
        const group = besideOf(turns, turn);
        const versions = versionsOf(turns, turn);
        for (const one of group) viewOf(one).show(one, versions, group.length > 1, one.key === turn.key);
        const [only] = group;
        if (group.length === 1 && only !== undefined) return viewOf(only).element;
        return rowOf(group.map((one) => viewOf(one).element));
      });
      replaceChanged(list, rows);
      const kept = new Set(turns.map(({ key }) => key));
      for (const key of views.keys()) if (!kept.has(key)) views.delete(key);
      if (isFollowing) root.scrollTop = root.scrollHeight;
    },
  };
}

/** Several answers in a row: the row that holds them already, if there is one. */
function rowOf(answers: readonly HTMLElement[]): HTMLElement {
  const held = answers[0]?.parentElement;
  const row = held?.classList.contains('row') === true ? held : element('div', { class: 'row' });
  replaceChanged(row, answers);
  return row;
}

/** Touches only what is not in its place: what stays keeps its focus and its selection. */
function replaceChanged(parent: HTMLElement, wanted: readonly HTMLElement[]): void {
  for (const [index, child] of wanted.entries())
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  while (parent.childElementCount > wanted.length) parent.lastElementChild?.remove();
}
