import { deriveId, inferenceIdOf } from '../../streams/ids.ts';
import type { NewEvent } from '../../streams/event.ts';
import {
  ending,
  envelopeOf,
  measuredOf,
  submitted,
  usageOf,
  words,
  type GeneratedConversation,
} from './generated-turn.ts';
import { seededRandom, type Random } from './random.ts';

export type GenerateOptions = {
  readonly seed: number;
  /** How many events on conversations; those on turns come on top. */
  readonly events: number;
  readonly topics: { readonly conversations: string; readonly turns: string };
  /** Conversations under way at once. */
  readonly open?: number;
  /** Longest conversation, in turns. */
  readonly longest?: number;
};

const OPEN = 400;
const LONGEST = 20;

/**
 * A log as gateways, prepare-turn and workers write it, decided by the seed alone: turns of many conversations side by
 * side, answers, failures, stops, takeovers with an end of the fenced attempt before the other's, feedback,
 * changes, erasures, and repeats of what was appended before.
 */
export function* generateLog(options: GenerateOptions): Generator<NewEvent, void, undefined> {
  const random = seededRandom(options.seed);
  const { conversations, turns } = options.topics;
  const pool: GeneratedConversation[] = [];
  const recent: NewEvent[] = [];
  let made = 0;
  let begun = 0;
  while (made < options.events) {
    const index = random.between(0, (options.open ?? OPEN) - 1);
    let conversation = pool[index];
    if (conversation === undefined || isOver(conversation)) {
      conversation = begin(random, `${options.seed}-${(begun += 1)}`, options.longest ?? LONGEST);
      pool[index] = conversation;
    }
    for (const event of next(conversation, random, { conversations, turns })) {
      yield event;
      made += event.topic === conversations ? 1 : 0;
      if (made >= options.events) return;
      recent[made % 64] = event;
    }
    if (random.chance(0.01) && recent.length > 8) {
      const again = random.pick(recent.filter((event) => event !== undefined));
      yield again;
      made += again.topic === conversations ? 1 : 0;
    }
  }
}

function begin(random: Random, name: string, longest: number): GeneratedConversation {
  return {
    id: deriveId('conv', name),
    tenantId: `tenant-${random.between(1, 9)}`,
    principal: `principal-${random.between(1, 500)}`,
    messages: [],
    open: false,
    attempt: 1,
    isErased: false,
    length: random.between(1, longest),
  };
}

function isOver({ messages, length, open, isErased }: GeneratedConversation): boolean {
  return isErased || (!open && messages.length >= length);
}

type Topics = GenerateOptions['topics'];

function* next(
  conversation: GeneratedConversation,
  random: Random,
  topics: Topics,
): Generator<NewEvent, void, undefined> {
  const place = { topic: topics.conversations, key: conversation.id, partition: null };
  const messageId = conversation.messages.at(-1);
  if (conversation.open && messageId !== undefined) {
    if (random.chance(0.03)) yield { ...takeover(conversation, messageId), ...place };
    else yield* end(conversation, messageId, random, topics);
    return;
  }
  if (messageId !== undefined && random.chance(0.08)) {
    yield { ...remark(conversation, messageId, random), ...place };
    return;
  }
  const id = deriveId('msg', conversation.id, conversation.messages.length);
  const data = submitted(conversation, id, words(random, 4, 40));
  yield { type: 'MessageSubmitted', data, ...place };
  conversation.messages.push(id);
  conversation.open = true;
  conversation.attempt = 1;
}

function takeover(conversation: GeneratedConversation, messageId: string) {
  conversation.attempt += 1;
  const { attempt } = conversation;
  return {
    type: 'AttemptStarted' as const,
    data: {
      ...envelopeOf(conversation, `attempt-${attempt}`, messageId),
      inferenceId: inferenceIdOf(messageId),
      attempt,
      claim: deriveId('claim', messageId, attempt),
      reason: 'redelivered' as const,
      workerId: 'worker-2',
      engine: 'llama-cpp',
      model: 'smollm2-135m-instruct',
    },
  };
}

function* end(
  conversation: GeneratedConversation,
  messageId: string,
  random: Random,
  topics: Topics,
): Generator<NewEvent, void, undefined> {
  const place = { topic: topics.conversations, key: conversation.id, partition: null };
  const text = words(random, 10, 80);
  const { attempt } = conversation;
  const fate = random.between(1, 100);
  const data = ending(conversation, messageId, attempt, text);
  conversation.open = false;
  if (attempt > 1 && random.chance(0.5)) {
    const fenced = ending(conversation, messageId, attempt - 1, words(random, 1, 9));
    yield { type: 'InferenceCompleted', data: { ...fenced, finishReason: 'stop', toolCalls: [] }, ...place };
  }
  let outcome: 'completed' | 'failed' | 'cancelled' = 'completed';
  if (fate <= 4) {
    outcome = 'failed';
    const why = { code: 'engine_failed', reason: 'The model could not answer.', retryable: true };
    yield { type: 'InferenceFailed', data: { ...data, ...why }, ...place };
  } else if (fate <= 8) {
    outcome = 'cancelled';
    const why = { cancelId: `cancel-${messageId}`, cancelReason: 'stop' } as const;
    yield { type: 'InferenceCancelled', data: { ...data, ...why }, ...place };
  } else
    yield { type: 'InferenceCompleted', data: { ...data, finishReason: 'stop', toolCalls: [] }, ...place };
  const to = { ...place, topic: topics.turns };
  const tokens = text.split(' ').length;
  yield { type: 'UsageRecorded', data: usageOf(conversation, messageId, attempt, tokens), ...to };
  const measured = measuredOf(conversation, messageId, outcome, attempt, tokens);
  yield { type: 'TurnMeasured', data: measured, ...to };
}

/** What is said of a conversation between its turns. */
function remark(conversation: GeneratedConversation, messageId: string, random: Random) {
  const { principal } = conversation;
  const step = `remark-${conversation.messages.length}-${random.between(1, 1_000_000)}`;
  const base = { ...envelopeOf(conversation, step, messageId), principal };
  const kind = random.between(1, 100);
  if (kind <= 70) {
    const judged = { thumb: random.pick([-1, 1]), rating: null, labels: [], comment: null, correction: null };
    return {
      type: 'FeedbackGiven' as const,
      data: { ...base, inferenceId: inferenceIdOf(messageId), ...judged },
    };
  }
  if (kind <= 94) {
    const title = { text: words(random, 2, 5), sealed: null, keyId: null };
    const pins = [{ messageId, pinned: random.chance(0.5) }];
    const rest = { systemPrompt: null, archived: null, clearContext: false };
    return { type: 'ConversationChanged' as const, data: { ...base, title, pins, ...rest } };
  }
  // What was erased takes no more turns.
  conversation.isErased = true;
  if (kind <= 97)
    return { type: 'ConversationErased' as const, data: { ...base, reason: 'asked for', keyIds: [] } };
  return { type: 'SubjectErased' as const, data: { ...base, subjectId: principal, keyIds: [] } };
}
