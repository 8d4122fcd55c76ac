import type { FinishReason, MessageKind, Role } from '../../schemas/generated/types.ts';
import type {
  ConversationRow,
  StoredAsk,
  StoredContent,
  StoredFeedback,
  StoredMessage,
  StoredPart,
  TurnRow,
  TurnStatus,
} from './rows.ts';

/** A line in a list of conversations. Times are the broker's, in milliseconds since 1970. */
export type ConversationSummary = {
  readonly conversationId: string;
  readonly principal: string;
  readonly title: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly archived: boolean;
  readonly turns: number;
};

/** One conversation. An erased one keeps its id and `erasedAt` alone. */
export type ConversationView = ConversationSummary & {
  readonly systemPrompt: StoredContent | null;
  /** Message id of the turn that the next one follows by default. */
  readonly head: string | null;
  readonly erasedAt: number | null;
};

/** One answer: how far it is, and where to read it. */
export type InferenceView = {
  readonly inferenceId: string;
  readonly conversationId: string;
  readonly messageId: string;
  readonly principal: string;
  readonly status: TurnStatus;
  readonly replyPartition: number;
  /** A lower bound of the offsets at which the answer can appear there. */
  readonly deltasFrom: number;
  /** The model that answered, and until then the one asked for. */
  readonly model: string;
  /** Text recorded, whole or partial; null while it runs, when it is sealed, or was rejected. */
  readonly text: string | null;
  /** The text where it is sealed: AES-256-GCM in base64, and the name of its key. */
  readonly sealed: { readonly bytes: string; readonly keyId: string } | null;
  /** Where the effective terminal event (or the rejection) lies on conversations. */
  readonly terminal: { readonly partition: number; readonly offset: number } | null;
  readonly finishReason: FinishReason | null;
  /** Why it failed, was cancelled or rejected. */
  readonly code: string | null;
  readonly reason: string | null;
  readonly retryable: boolean;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly submittedAt: number;
  readonly endedAt: number | null;
  /** To tell a repeat from another request under the same key. */
  readonly bodyFingerprint: string;
  /** What the caller attached to the message. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Null where nobody could read the message, or its subject was erased. */
  readonly asked: StoredAsk | null;
};

/** One turn of a history: what was asked, and its answer. */
export type TurnView = InferenceView & {
  /** Place in the conversation, from 1, with gaps where a message was rejected. */
  readonly seq: number;
  /** Message id of the turn it follows; null for a root. */
  readonly parentId: string | null;
  /** Message id of the turn that it regenerates or edits. */
  readonly targetId: string | null;
  readonly kind: MessageKind;
  readonly role: Role;
  readonly parts: readonly StoredPart[];
  /** What came with the message and is no turn of its own, oldest first. */
  readonly preceding: readonly StoredMessage[];
  readonly transport: string;
  readonly pinned: boolean;
  /** When its subject was erased, and its text with it. */
  readonly erasedAt: number | null;
  readonly feedback: readonly FeedbackView[];
};

export type FeedbackView = Omit<StoredFeedback, 'seen'>;

export function summaryOf(row: ConversationRow): ConversationSummary {
  const { id, principal, title, createdAt, updatedAt, archived, turns } = row;
  return { conversationId: id, principal, title, createdAt, updatedAt, archived, turns };
}

export function inferenceOf(row: TurnRow): InferenceView {
  const sealed = row.answer?.sealed ?? null;
  return {
    inferenceId: row.inferenceId,
    conversationId: row.conversationId,
    messageId: row.messageId,
    principal: row.principal,
    status: row.status,
    replyPartition: row.replyPartition,
    deltasFrom: row.deltasFrom,
    model: row.model,
    text: row.answer?.text ?? null,
    sealed: sealed === null ? null : { bytes: sealed, keyId: row.answer?.keyId ?? '' },
    terminal: row.terminalOffset === null ? null : { partition: row.partition, offset: row.terminalOffset },
    finishReason: row.finishReason,
    code: row.code,
    reason: row.reason,
    retryable: row.retryable,
    promptTokens: row.promptTokens,
    completionTokens: row.completionTokens,
    cachedTokens: row.cachedTokens,
    submittedAt: row.submittedAt,
    endedAt: row.endedAt,
    bodyFingerprint: row.bodyFingerprint,
    metadata: row.metadata,
    asked: row.asked,
  };
}

/** `parentId` is the nearest one that was not rejected. */
export function turnOf(row: TurnRow, parentId: string | null): TurnView {
  const { targetId, kind, role, parts, preceding, transport, pinned, erasedAt } = row;
  const feedback = row.feedback.map(({ seen: _seen, ...rest }) => rest);
  const place = { seq: row.seq ?? 0, parentId, targetId, kind, role };
  const said = { parts, preceding, transport, pinned, erasedAt };
  return { ...inferenceOf(row), ...place, ...said, feedback };
}
