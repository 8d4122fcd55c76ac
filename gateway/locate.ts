import { setTimeout as pause } from 'node:timers/promises';
import type { ConversationQueries } from '../projections/conversations/queries.ts';
import { seesTenant } from '../policies/identity/grants.ts';
import type { Log } from '../streams/log.ts';
import { partitionOf } from '../streams/partition.ts';
import type { AccessRecord } from './access.ts';
import type { Call } from './call.ts';
import { refuse } from './problems.ts';
import { knownEnd, type Terminal } from './known-end.ts';
import type { OpenStreams } from './streams/open-streams.ts';
import type { Place, Tokens } from './token.ts';

/** An inference that the caller may see, and its end if the read model knows one. */
type Located = { readonly place: Place; readonly terminal: Terminal | null };
/** And whether it is somebody else's. */
type Found = Located & { readonly isForeign: boolean };

/**
 * Finds what a caller names. Whatever is not the caller's own, or an auditor's tenant's, is `not_found`, as if it did not
 * exist. That an auditor reads an answer of somebody else is recorded.
 */
export interface Locate {
  /**
   * By resume token, which needs no read model, or by id. Throws `not_found` only if the read model has passed the end
   * that the log had when the request came, else `unavailable` after 5 s.
   */
  inference(
    call: Call,
    named: { readonly token: string | null; readonly inferenceId: string | null },
  ): Promise<Located>;
  /** Returns what `find` finds as soon as it does; null once the conversation's partition was read to its end. */
  inConversation<T>(conversationId: string, find: () => T | null): Promise<T | null>;
}

const PATIENCE_MS = 5_000;
const POLL_MS = 20;

export function createLocate(deps: {
  readonly log: Log;
  readonly topic: string;
  readonly partitions: number;
  readonly queries: ConversationQueries;
  readonly streams: OpenStreams;
  readonly tokens: Tokens;
  readonly access: AccessRecord;
}): Locate {
  const { log, topic, partitions, queries, streams, tokens, access } = deps;

  /** Looks again until something is found or the read model has passed the log's present end. */
  async function search<T>(find: () => T | null, only: number | null): Promise<T | null> {
    const found = find();
    if (found !== null) return found;
    const deadline = performance.now() + PATIENCE_MS;
    const ends = await endsOf(deadline);
    for (;;) {
      // Positions first: what is folded between the two looks is then seen by the second.
      const passed = ends.every(
        (end, partition) => (only !== null && partition !== only) || queries.position(partition) >= end,
      );
      const again = find();
      if (again !== null || passed) return again;
      if (performance.now() > deadline) throw behind();
      await pause(POLL_MS);
    }
  }

  async function endsOf(deadline: number): Promise<readonly number[]> {
    const ends = await Promise.race([
      log.offsets(topic, 'end'),
      pause(deadline - performance.now(), null, { ref: false }),
    ]).catch((error: unknown) => {
      throw behind(error);
    });
    if (ends === null) throw behind();
    return ends;
  }

  function byId(call: Call, inferenceId: string): Found | null {
    const { tenantId, principal } = call.caller;
    const view = queries.findInference(tenantId, inferenceId);
    if (view === null) {
      const open = streams.find(call, inferenceId);
      return open === null ? null : { place: open.place, terminal: null, isForeign: false };
    }
    if (view.principal !== principal && !seesTenant(call.grants)) return null;
    const { conversationId, messageId, replyPartition, deltasFrom, terminal } = view;
    return {
      place: { tenantId, conversationId, messageId, inferenceId, replyPartition, deltasFrom },
      terminal,
      isForeign: view.principal !== principal,
    };
  }

  return {
    async inference(call, { token, inferenceId }) {
      const { tenantId } = call.caller;
      if (token !== null) {
        const place = tokens.open(token);
        if (
          place === null ||
          place.tenantId !== tenantId ||
          (inferenceId !== null && place.inferenceId !== inferenceId)
        ) {
          throw notFound('resume token');
        }
        return { place, terminal: knownEnd(queries, tenantId, place.inferenceId) };
      }
      if (inferenceId === null) {
        throw refuse('invalid_request', 'neither token nor inference_id is given', {
          fix: 'name one of them',
        });
      }
      const found = await search(() => byId(call, inferenceId), null);
      if (found === null) throw notFound('inference');
      if (found.isForeign) await access.record(call, { action: 'read-answer', resource: inferenceId });
      return found;
    },
    inConversation: (conversationId, find) => search(find, partitionOf(conversationId, partitions)),
  };
}

/** The one answer for what does not exist and for what is somebody else's. */
export function notFound(what: string): Error {
  return refuse('not_found', `no such ${what}`, { fix: 'check the id' });
}

function behind(cause?: unknown): Error {
  return refuse('unavailable', 'the read model has not caught up with the log', {
    fix: 'try again shortly, or send the resume token',
    ...(cause === undefined ? {} : { cause }),
  });
}
