import { sentenceOf } from './answers.ts';
import { button, element } from './element.ts';
import type { Conversation, Gateway } from './gateway.ts';

/** Pages that a search goes through by itself before somebody asks for more. */
const SEARCHED_PAGES = 5;
const TYPING_MS = 200;

/** The list of conversations, which words make shorter. */
export function createSidebar(
  root: HTMLElement,
  gateway: Gateway,
  on: { readonly open: (id: string) => void; readonly begin: () => void },
): { readonly refresh: () => Promise<void>; readonly mark: (id: string | null) => void } {
  let items: readonly Conversation[] = [];
  let next: string | null = null;
  let current: string | null = null;
  let asked = 0;
  let typing: ReturnType<typeof setTimeout> | undefined;

  const search = element('input', {
    ...{ type: 'search', placeholder: 'Search', 'aria-label': 'Search conversations', maxlength: '200' },
    input() {
      clearTimeout(typing);
      typing = setTimeout(() => void refresh(), TYPING_MS);
    },
  });
  const list = element('ul', { class: 'conversations' });
  const note = element('p', { class: 'note', role: 'status' });
  const more = button('Show more', () => void load(next));
  root.append(button('New chat', on.begin, { className: 'primary' }), search, list, note, more);

  async function load(before: string | null): Promise<void> {
    const mine = (asked += 1);
    const words = search.value.trim();
    let found: readonly Conversation[] = before === null ? [] : items;
    let from = before;
    try {
      for (let page = 1; ; page += 1) {
        const answer = await gateway.list(words, from);
        // Somebody typed on: another question is under way.
        if (mine !== asked) return;
        found = [...found, ...answer.items];
        from = answer.next;
        if (words === '' || from === null || found.length >= 20 || page === SEARCHED_PAGES) break;
      }
      [items, next] = [found, from];
      note.textContent = items.length > 0 ? '' : words === '' ? 'No conversations yet.' : 'Nothing found.';
    } catch (error) {
      note.textContent = sentenceOf(error);
    }
    show();
  }

  function show(): void {
    more.hidden = next === null;
    list.replaceChildren(
      ...items.map(({ id, title, updated_at }) => {
        const open = element(
          'button',
          { type: 'button', click: () => on.open(id), ...(id === current ? { 'aria-current': 'true' } : {}) },
          element('span', { class: 'title' }, title ?? 'Untitled'),
          element('time', { datetime: updated_at }, whenOf(updated_at)),
        );
        return element('li', {}, open);
      }),
    );
  }

  const refresh = (): Promise<void> => load(null);
  return {
    refresh,
    mark(id) {
      if (id === current) return;
      current = id;
      show();
    },
  };
}

function whenOf(time: string): string {
  const then = new Date(time);
  const isToday = then.toDateString() === new Date().toDateString();
  return isToday
    ? then.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    : then.toLocaleDateString([], { month: 'short', day: 'numeric' });
}
