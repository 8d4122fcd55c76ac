import type { Turn } from './turns.ts';

/** A question that was asked in some tab of this browser. */
export type Asked = { readonly conversationId: string; readonly turn: Turn };

/** Keeps the tabs of a browser in step, and a tab with what it was before it was loaded anew. */
export interface Tabs {
  /** Tells the others, and this one after a reload, that an answer is being made. */
  tellAsked(asked: Asked): void;
  /** Tells that it has ended: the history has it. */
  tellEnded(asked: Asked): void;
  /** What this tab asked in a conversation before it was loaded anew, and may not be in the history yet. */
  unfinished(conversationId: string): readonly Turn[];
}

const CHANNEL = 'steno-chat';
const STORED = 'steno-chat-asked';

export function openTabs(on: {
  readonly asked: (asked: Asked) => void;
  readonly ended: (asked: Asked) => void;
}): Tabs {
  const channel = new BroadcastChannel(CHANNEL);
  // Only this page's own tabs speak on its channel.
  channel.addEventListener('message', ({ data }: MessageEvent<Asked & { readonly ended: boolean }>) =>
    data.ended ? on.ended(data) : on.asked(data),
  );

  function stored(): readonly Asked[] {
    // Written by `store` and by nothing else.
    return JSON.parse(sessionStorage.getItem(STORED) ?? '[]') as readonly Asked[];
  }

  function store(change: (before: readonly Asked[]) => readonly Asked[]): void {
    sessionStorage.setItem(STORED, JSON.stringify(change(stored())));
  }

  const others =
    ({ turn }: Asked) =>
    (one: Asked) =>
      one.turn.messageId !== turn.messageId;
  return {
    tellAsked(asked) {
      store((before) => [...before.filter(others(asked)), asked]);
      channel.postMessage({ ...asked, ended: false });
    },
    tellEnded(asked) {
      store((before) => before.filter(others(asked)));
      channel.postMessage({ ...asked, ended: true });
    },
    unfinished: (conversationId) =>
      stored()
        .filter((asked) => asked.conversationId === conversationId)
        .map(({ turn }) => turn),
  };
}
