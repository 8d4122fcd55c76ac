import type { ConversationQueries } from '../projections/conversations/queries.ts';
import type { Content, Producer } from '../schemas/generated/types.ts';
import type { Redactor } from '../policies/personal-data/redactor.ts';
import { envelope, type Cause, type NewEvent } from '../streams/event.ts';
import type { EventAppender } from '../streams/event-log.ts';
import { deriveId, sha256 } from '../streams/ids.ts';
import { plain } from '../streams/parts.ts';
import type { Call } from './call.ts';
import { redactedEvents, type Guard } from './guard.ts';
import { notFound, type Locate } from './locate.ts';
import { refuse } from './problems.ts';
import type { ChangeRequest, FeedbackRequest } from './requests.ts';

/** What a caller says about an answer, beside its message: stop, and how good it was. */
export interface Signals {
  /** Asks to stop an answer; the same request twice is one event. Returns how the answer stands. */
  cancel(
    call: Call,
    named: { readonly token: string | null; readonly inferenceId: string | null },
    reason?: 'stop' | 'disconnect',
  ): Promise<Cancelled>;
  /** Records a judgement. Returns its id: the same for a repeat of the same key, or of the same body without one. */
  giveFeedback(call: Call, feedback: FeedbackRequest, key: string | null): Promise<string>;
  /** Records a change of a conversation that the caller owns. Returns its id: with a key the same for a repeat. */
  change(call: Call, conversationId: string, change: ChangeRequest, key: string | null): Promise<string>;
}

type Cancelled = { readonly inferenceId: string; readonly status: 'stopping' | 'ended' };

export function createSignals(deps: {
  readonly appender: EventAppender;
  readonly locate: Locate;
  readonly queries: ConversationQueries;
  readonly guard: Pick<Guard, 'redactor'>;
  readonly topics: { readonly conversations: string; readonly turns: string };
  readonly producer: Producer;
}): Signals {
  const { appender, locate, queries, guard, producer } = deps;
  const topic = deps.topics.conversations;
  return {
    async cancel(call, named, reason = 'stop') {
      const { place, terminal } = await locate.inference(call, named);
      const { tenantId, conversationId, messageId, inferenceId } = place;
      if (terminal !== null) return { inferenceId, status: 'ended' };
      const cause = { eventId: call.requestId, correlationId: messageId, tenantId };
      await appender.append([
        {
          type: 'CancelRequested',
          data: {
            ...envelope(cause, 'cancel', producer, Date.now()),
            eventId: deriveId('evt', inferenceId, 'cancel'),
            ...{ conversationId, inferenceId, principal: call.caller.principal, reason },
          },
          ...{ topic, key: conversationId, partition: null, trace: call.trace },
        },
      ]);
      return { inferenceId, status: 'stopping' };
    },

    async giveFeedback(call, feedback, key) {
      const { thumb, rating, labels, comment, correction } = feedback;
      if ((thumb ?? rating ?? labels ?? comment ?? correction) === undefined) {
        throw refuse('invalid_request', 'the feedback says nothing', {
          fix: 'add thumb, rating, labels, comment or correction',
        });
      }
      const { place } = await locate.inference(call, {
        token: feedback.token ?? null,
        inferenceId: feedback.inference_id,
      });
      const { tenantId, conversationId, messageId, inferenceId } = place;
      const view = queries.findInference(tenantId, inferenceId);
      if (view !== null && view.principal !== call.caller.principal) throw notFound('inference');
      const body = sha256(JSON.stringify([thumb, rating, labels, comment, correction]));
      const redactor = guard.redactor(tenantId);
      const eventId = deriveId('fb', tenantId, call.caller.principal, inferenceId, key ?? body);
      const cause = { eventId: call.requestId, correlationId: messageId, tenantId };
      await appender.append([
        {
          type: 'FeedbackGiven',
          data: {
            ...envelope(cause, 'feedback', producer, Date.now()),
            eventId,
            ...{ conversationId, inferenceId, principal: call.caller.principal },
            thumb: thumb ?? 0,
            rating: rating ?? null,
            labels: labels ?? [],
            comment: contentOf(comment, redactor),
            correction: contentOf(correction, redactor),
          },
          ...{ topic, key: conversationId, partition: null, trace: call.trace },
        },
        ...taken(redactor, { ...cause, eventId }, { ...place, principal: call.caller.principal }),
      ]);
      return eventId;
    },

    async change(call, conversationId, { title, system_prompt, archived, clear_context, pins }, key) {
      const { tenantId, principal } = call.caller;
      const redactor = guard.redactor(tenantId);
      const eventId = deriveId('evt', tenantId, principal, conversationId, 'change', key ?? call.requestId);
      const cause = { eventId: call.requestId, correlationId: eventId, tenantId };
      await appender.append([
        {
          type: 'ConversationChanged',
          data: {
            ...envelope(cause, 'change', producer, Date.now()),
            eventId,
            ...{ conversationId, principal },
            title: contentOf(title, redactor),
            systemPrompt: contentOf(system_prompt, redactor),
            archived: archived ?? null,
            clearContext: clear_context ?? false,
            pins: (pins ?? []).map(({ message_id, pinned }) => ({ messageId: message_id, pinned })),
          },
          ...{ topic, key: conversationId, partition: null, trace: call.trace },
        },
        ...taken(
          redactor,
          { ...cause, eventId },
          { conversationId, principal, inferenceId: '', messageId: '' },
        ),
      ]);
      return eventId;
    },
  };

  function taken(
    redactor: Redactor,
    cause: Cause,
    about: Parameters<typeof redactedEvents>[1],
  ): readonly NewEvent[] {
    const made = { producer, now: Date.now(), topic: deps.topics.turns };
    return redactedEvents(cause, about, redactor.findings(), made);
  }
}

function contentOf(text: string | undefined, redactor: Redactor): Content | null {
  return text === undefined ? null : plain(redactor.text(text));
}
