import { foldEnding, type TerminalEvent } from '../../streams/effective-end.ts';
import { envelope, type LoggedEvent, type NewEvent } from '../../streams/event.ts';
import { turnOf } from './cancel.ts';
import { countTokens } from './count-tokens.ts';
import { causeOf } from './outputs.ts';
import { nothing, type Decision, type Rules } from './rules.ts';
import { nearestOpen, type Conversation, type ConversationRow, type Turn } from './state.ts';
import { request } from './submit.ts';

/**
 * Decides on a terminal event. The effective one is answered with InferenceEnded on the reply partition and with
 * TurnMeasured, and the messages parked behind it are prepared; any other changes nothing.
 */
export function decideEnd(
  event: LoggedEvent<TerminalEvent>,
  conversation: Conversation,
  rules: Rules,
): Decision {
  const turn = turnOf(conversation, event.data.inferenceId);
  if (turn === null || event.data.tenantId !== conversation.row.tenantId) return nothing;
  const [, effective] = foldEnding({ fence: turn.fence, ended: turn.status === 'ended' }, event);
  if (!effective) return nothing;

  const answer = event.data.content.text ?? '';
  const ended: Turn = {
    ...turn,
    status: 'ended',
    outcome: outcomeOf(event),
    answer,
    answerTokens: event.data.completionTokens > 0 ? event.data.completionTokens : countTokens(answer),
  };
  const outputs: NewEvent[] = [
    endedOf(event, conversation.row, ended, rules),
    measuredOf(event, conversation.row, ended, rules),
  ];
  const turns: Turn[] = [ended];
  let row = conversation.row;
  const after =
    row.parked.length === 0 ? conversation.turns : new Map(conversation.turns).set(ended.messageId, ended);
  for (const messageId of conversation.row.parked) {
    const waiting = conversation.turns.get(messageId);
    if (waiting === undefined || nearestOpen(after, waiting.parentId) !== null) continue;
    row = { ...row, parked: row.parked.filter((id) => id !== messageId) };
    const next = request({ ...conversation, row, turns: after }, waiting, rules);
    outputs.push(...next.outputs);
    turns.push(...next.turns);
  }
  return { outputs, row: row === conversation.row ? null : row, turns, forget: false };
}

function outcomeOf(event: TerminalEvent): 'completed' | 'failed' | 'cancelled' {
  switch (event.type) {
    case 'InferenceCompleted':
      return 'completed';
    case 'InferenceFailed':
      return 'failed';
    case 'InferenceCancelled':
      return 'cancelled';
  }
}

function endedOf(
  event: LoggedEvent<TerminalEvent>,
  row: ConversationRow,
  turn: Turn,
  rules: Rules,
): NewEvent {
  const { data } = event;
  return {
    type: 'InferenceEnded',
    data: {
      inferenceId: turn.inferenceId,
      conversationId: row.conversationId,
      messageId: turn.messageId,
      outcome: outcomeOf(event),
      claim: data.claim,
      seq: data.nextSeq,
      textBytes: data.textBytes,
      textHash: data.textHash,
      recordedAt: event.time,
      recordPartition: event.partition,
      recordOffset: event.offset,
      model: data.model,
      finishReason: event.type === 'InferenceCompleted' ? event.data.finishReason : null,
      code: codeOf(event),
      reason: event.type === 'InferenceFailed' ? event.data.reason : null,
      retryable: event.type === 'InferenceFailed' && event.data.retryable,
      promptTokens: data.promptTokens,
      completionTokens: data.completionTokens,
      cachedTokens: data.cachedTokens,
      submittedAt: turn.submittedAt,
    },
    topic: rules.topics.deltas,
    key: turn.inferenceId,
    partition: turn.replyPartition,
  };
}

/**
 * Times are the broker's. What lies between them was measured as durations on the worker's clock and counted back from
 * the broker's time of the terminal event, so that a wrong clock changes nothing.
 */
function measuredOf(
  event: LoggedEvent<TerminalEvent>,
  row: ConversationRow,
  turn: Turn,
  rules: Rules,
): NewEvent {
  const { data } = event;
  const ran = data.attempt > 0 && data.engine !== '';
  const startedAt = event.time - Math.max(0, data.occurredAt - data.startedAt);
  const queueMillis = ran ? Math.max(0, startedAt - turn.submittedAt) : null;
  const first = data.deltaMillis[0];
  return {
    type: 'TurnMeasured',
    data: {
      ...envelope(causeOf(row, turn), 'measured', rules.producer, event.time),
      conversationId: row.conversationId,
      inferenceId: turn.inferenceId,
      messageId: turn.messageId,
      principal: turn.principal,
      keyId: turn.keyId,
      transport: turn.transport,
      outcome: outcomeOf(event),
      code: codeOf(event),
      finishReason: event.type === 'InferenceCompleted' ? event.data.finishReason : null,
      model: turn.route.model,
      pool: turn.route.pool,
      tier: turn.route.tier,
      canaryBucket: turn.route.canaryBucket,
      configVersion: turn.configVersion,
      promptHash: turn.promptHash,
      attempts: Math.max(turn.fence, data.attempt),
      promptTokens: data.promptTokens,
      completionTokens: data.completionTokens,
      cachedTokens: data.cachedTokens,
      textBytes: data.textBytes,
      deltas: data.deltaBytes.length,
      submittedAt: turn.submittedAt,
      endedAt: event.time,
      queueMillis,
      firstDeltaMillis: queueMillis === null || first === undefined ? null : queueMillis + first,
      totalMillis: Math.max(0, event.time - turn.submittedAt),
      recordPartition: event.partition,
      recordOffset: event.offset,
      answeredBy: ran && data.model !== '' ? data.model : null,
    },
    topic: rules.topics.turns,
    key: row.conversationId,
    partition: null,
    trace: event.trace,
  };
}

function codeOf(event: TerminalEvent): string | null {
  return event.type === 'InferenceFailed' ? event.data.code : null;
}
