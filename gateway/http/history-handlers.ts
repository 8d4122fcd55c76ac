import { seesTenant } from '../../policies/identity/grants.ts';
import type { ConversationQueries } from '../../projections/conversations/queries.ts';
import { inferenceIdOf } from '../../streams/ids.ts';
import { notFound, type Locate } from '../locate.ts';
import { refuse } from '../problems.ts';
import type { Signals } from '../signals.ts';
import type { Access, AccessRecord } from '../access.ts';
import type { Call } from '../call.ts';
import type { Handlers } from './exchange.ts';
import { conversationJson, turnJson, type ConversationView } from './history.ts';
import { keyOf } from './idempotency-key.ts';

/** Histories are read from the read model, once it has caught up with what the caller may know of. */
export function historyHandlers(deps: {
  readonly queries: ConversationQueries;
  readonly locate: Locate;
  readonly signals: Signals;
  readonly access: AccessRecord;
}): Pick<Handlers, 'listConversations' | 'readConversation' | 'changeConversation'> {
  const { queries, locate, signals, access } = deps;

  /** A conversation that the caller may see. Throws `not_found`, and `erased` for one that once was. */
  async function find(id: string, { caller, grants }: Call): Promise<ConversationView> {
    const { tenantId, principal } = caller;
    const view = await locate.inConversation(id, () => {
      const found = queries.findConversation(tenantId, id);
      // An erased conversation no longer says whose it was.
      return found !== null &&
        (found.erasedAt !== null || found.principal === principal || seesTenant(grants))
        ? found
        : null;
    });
    if (view === null) throw notFound('conversation');
    if (view.erasedAt !== null) throw refuse('erased', 'this conversation was erased');
    return view;
  }

  /** Throws `not_found` where the conversation has no such turn. */
  async function checkTurn(messageId: string, conversationId: string, { caller }: Call): Promise<void> {
    const turn = await locate.inConversation(conversationId, () =>
      queries.findInference(caller.tenantId, inferenceIdOf(messageId)),
    );
    if (turn?.conversationId === conversationId) return;
    throw refuse('not_found', `the conversation has no message ${messageId}`, {
      param: 'pins',
      fix: 'name turns of this conversation',
    });
  }

  return {
    async listConversations({ query }, { call }) {
      const { tenantId } = call.caller;
      const isAuditor = seesTenant(call.grants);
      if (isAuditor) await access.record(call, lookAtAll(query.q));
      const principal = isAuditor ? null : call.caller.principal;
      const { items, next } = queries.listConversations(tenantId, {
        principal,
        limit: query.limit,
        before: query.before ?? null,
        includeArchived: query.archived === 'true',
        matching: query.q ?? null,
      });
      return { status: 200, body: { items: items.map(conversationJson), next } };
    },

    async readConversation({ params, query }, { call }) {
      const view = await find(params.id, call);
      if (view.principal !== call.caller.principal)
        await access.record(call, { action: 'read-conversation', resource: params.id });
      const { items, next } = queries.findTurns(call.caller.tenantId, params.id, {
        limit: query.limit,
        before: query.before ?? null,
      });
      return {
        status: 200,
        body: { conversation: conversationJson(view), turns: { items: items.map(turnJson), next } },
      };
    },

    async changeConversation({ params, body }, exchange) {
      await find(params.id, exchange.call);
      for (const { message_id } of body.pins ?? []) await checkTurn(message_id, params.id, exchange.call);
      const id = await signals.change(exchange.call, params.id, body, keyOf(exchange));
      return { status: 202, body: { change_id: id } };
    },
  };
}

/** What an auditor does who lists what all of the tenant said. */
function lookAtAll(words: string | undefined): Access {
  return words === undefined
    ? { action: 'list-conversations', resource: '/v1/conversations' }
    : { action: 'search', resource: words };
}
