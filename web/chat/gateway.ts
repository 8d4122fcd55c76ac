import type { RecordedTurn } from './turns.ts';

/** A conversation of the list. */
export type Conversation = {
  readonly id: string;
  readonly title: string | null;
  readonly updated_at: string;
  readonly archived: boolean;
};

type Page<Item> = { readonly items: readonly Item[]; readonly next: string | null };

/** What a conversation is changed to; see the gateway's `/openapi.json`. */
type Change = {
  readonly title?: string;
  readonly archived?: boolean;
  readonly pins?: readonly { readonly message_id: string; readonly pinned: boolean }[];
};

/** What the page asks of the gateway besides answers. Throws GatewayError. */
export interface Gateway {
  models(): Promise<readonly string[]>;
  /** Conversations, the latest first; with words, those that hold them. */
  list(words: string, before: string | null): Promise<Page<Conversation>>;
  /** A conversation and its newest turns, oldest first. */
  read(id: string): Promise<{ readonly conversation: Conversation; readonly turns: readonly RecordedTurn[] }>;
  change(id: string, change: Change): Promise<void>;
}

/** Something that the gateway refused, or that never reached it. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  /** 0 where no gateway answered. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Turns that are read at once; what is older than five pages is left out. */
const PAGE = 200;
const MOST_PAGES = 5;

export function openGateway(key: () => string | null): Gateway {
  async function call<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const bearer = key();
    const response = await fetch(path, {
      method,
      headers: {
        ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(() => {
      throw new GatewayError(0, 'The gateway does not answer.');
    });
    // The gateway's own contract says what is in it.
    const answer = (await response.json().catch(() => ({}))) as Answer & {
      readonly error?: { readonly message?: string };
    };
    if (response.ok) return answer;
    throw new GatewayError(
      response.status,
      answer.error?.message ?? `The gateway answered ${response.status}.`,
    );
  }

  return {
    async models() {
      const { data } = await call<{ readonly data: readonly { readonly id: string }[] }>('GET', '/v1/models');
      return data.map(({ id }) => id);
    },
    list(words, before) {
      const query = new URLSearchParams({ limit: '50' });
      if (words !== '') query.set('q', words);
      if (before !== null) query.set('before', before);
      return call('GET', `/v1/conversations?${query}`);
    },
    async read(id) {
      const turns: RecordedTurn[] = [];
      let before: string | null = null;
      for (let page = 1; ; page += 1) {
        const query = new URLSearchParams({ limit: String(PAGE), ...(before === null ? {} : { before }) });
        const path = `/v1/conversations/${encodeURIComponent(id)}?${query}`;
        const found: {
          readonly conversation: Conversation;
          readonly turns: Page<RecordedTurn>;
        } = await call('GET', path);
        turns.push(...found.turns.items);
        before = found.turns.next;
        if (before === null || page === MOST_PAGES)
          return { conversation: found.conversation, turns: turns.reverse() };
      }
    },
    async change(id, change) {
      await call('PATCH', `/v1/conversations/${encodeURIComponent(id)}`, change);
    },
  };
}
