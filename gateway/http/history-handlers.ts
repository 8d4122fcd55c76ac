import { seesTenant } from '../../policies/identity/grants.ts';
import type { ConversationQueries } from '../../projections/conversations/queries.ts';
import { notFound, type Locate } from '../locate.ts';
import { refuse } from '../problems.ts';
import type { Handlers } from './exchange.ts';
import { conversationJson, turnJson } from './history.ts';

/** Histories are read from the read model, once it has caught up with what the caller may know of. */
export function historyHandlers(deps: {
  readonly queries: ConversationQueries;
  readonly locate: Locate;
}): Pick<Handlers, 'listConversations' | 'readConversation'> {
  const { queries, locate } = deps;
  return {
    async listConversations({ query }, { call }) {
      const { tenantId } = call.caller;
      const principal = seesTenant(call.grants) ? null : call.caller.principal;
      const { items, next } = queries.listConversations(tenantId, {
        principal,
        limit: query.limit,
        before: query.before ?? null,
        includeArchived: query.archived === 'true',
      });
      return { status: 200, body: { items: items.map(conversationJson), next } };
    },

    async readConversation({ params, query }, { call }) {
      const { tenantId, principal } = call.caller;
      const view = await locate.inConversation(params.id, () => {
        const found = queries.findConversation(tenantId, params.id);
        // An erased conversation no longer says whose it was.
        return found !== null &&
          (found.erasedAt !== null || found.principal === principal || seesTenant(call.grants))
          ? found
          : null;
      });
      if (view === null) throw notFound('conversation');
      if (view.erasedAt !== null) throw refuse('erased', 'this conversation was erased');
      const { items, next } = queries.findTurns(tenantId, params.id, {
        limit: query.limit,
        before: query.before ?? null,
      });
      return {
        status: 200,
        body: { conversation: conversationJson(view), turns: { items: items.map(turnJson), next } },
      };
    },
  };
}
