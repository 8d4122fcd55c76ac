import { randomUUID } from 'node:crypto';
import type { LoggedEvent, NewEvent } from '../../../streams/event.ts';
import type { Pieces } from '../../../streams/delta-pieces.ts';
import type { EventAppender, EventLog } from '../../../streams/event-log.ts';
import type { ReadUntil } from '../../../streams/read-until.ts';
import { appendUntilDone } from '../../../streams/runner/append-until-done.ts';
import { attemptStarted, fenceReplies, type Taker } from '../../../streams/take-over.ts';
import { causeOf, failureOf } from '../outputs.ts';
import type { Rules } from '../rules.ts';
import type { Conversation, Turn } from '../state.ts';

/**
 * Ends inferences past their deadline as a taker would: a fence on the reply partition, one on the conversation's log;
 * when the fold meets the second and nothing ended the inference before it, the failure is appended with the text
 * found up to the first.
 */
export class OverdueEnder {
  readonly #ports: {
    readonly events: EventLog;
    readonly appender: EventAppender;
    readonly reading: ReadUntil;
    readonly rules: Rules;
    readonly workerId: string;
  };
  /** Partial text by claim, until the fold meets the claim. */
  readonly #fenced = new Map<
    string,
    { readonly text: string; readonly nextSeq: number; readonly firstSeq: number; readonly pieces: Pieces }
  >();

  constructor(ports: {
    readonly events: EventLog;
    readonly appender: EventAppender;
    readonly reading: ReadUntil;
    readonly rules: Rules;
    readonly workerId: string;
  }) {
    this.#ports = ports;
  }

  /** Puts both fences; the failure follows from `onAttempt`. Throws the signal's reason when it aborts. */
  async fence(conversation: Conversation, turn: Turn, signal: AbortSignal): Promise<void> {
    const { events, appender, rules, workerId } = this.#ports;
    const taker: Taker = {
      claim: `claim_${randomUUID()}`,
      reason: 'deadline',
      workerId,
      service: rules.producer.service,
      version: rules.producer.version,
      engine: '',
      model: turn.route.model,
    };
    const { conversationId } = conversation.row;
    const inference = {
      cause: causeOf(conversation.row, turn),
      conversationId,
      inferenceId: turn.inferenceId,
      replyPartition: turn.replyPartition,
      deltasFrom: turn.deltasFrom,
    };
    const deltasTopic = rules.topics.deltas;
    const { attempt, reading, pieces, won } = await fenceReplies(
      { events, appender, reading: this.#ports.reading, deltasTopic },
      inference,
      taker,
      signal,
    );
    if (!won) return;
    const { text, nextSeq, firstSeq } = reading;
    this.#fenced.set(taker.claim, { text, nextSeq, firstSeq, pieces });
    const fence: NewEvent = {
      type: 'AttemptStarted',
      data: attemptStarted(inference, taker, attempt, Date.now()),
      topic: rules.topics.conversations,
      key: conversationId,
      partition: rules.conversationPartition,
    };
    await appendUntilDone(appender, [fence], signal);
  }

  /** Returns the failure if the attempt is one of our own fences and still the highest of an inference not ended. */
  onAttempt(event: LoggedEvent, conversation: Conversation | null): NewEvent | null {
    if (event.type !== 'AttemptStarted' || conversation === null) return null;
    const partial = this.#fenced.get(event.data.claim);
    if (partial === undefined) return null;
    this.#fenced.delete(event.data.claim);
    const messageId = conversation.byInference.get(event.data.inferenceId);
    const turn = messageId === undefined ? undefined : conversation.turns.get(messageId);
    if (turn === undefined || turn.status === 'ended' || turn.fence !== event.data.attempt) return null;
    const { attempt, claim } = event.data;
    return failureOf(conversation.row, turn, 'timeout', { ...partial, attempt, claim }, this.#ports.rules);
  }
}
