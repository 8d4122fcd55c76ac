import type {
  AnswerFormat,
  FinishReason,
  MessageKind,
  Role,
  ToolUse,
} from '../../schemas/generated/types.ts';

/** Text as it lies in a row: in the clear, or sealed (base64). Erased text has neither. */
export type StoredContent = {
  readonly text: string | null;
  readonly sealed: string | null;
  readonly keyId: string | null;
};

/** One part of a message, with the fields that its type sets. */
export type StoredPart = {
  readonly type: string;
  readonly text?: StoredContent;
  readonly toolCall?: { readonly id: string; readonly name: string; readonly arguments: StoredContent };
  readonly toolResult?: {
    readonly toolCallId: string;
    readonly content: StoredContent;
    readonly isError: boolean;
  };
  readonly media?: { readonly sha256: string; readonly mime: string; readonly bytes: number };
};

/** A message that came with another. */
export type StoredMessage = { readonly role: Role; readonly parts: readonly StoredPart[] };

/** What was asked besides the words, as the message has it: what its caller is told again. */
export type StoredAsk = {
  /** The gateway's clock when it took the message in. Shown, never compared: folds use the broker's. */
  readonly at: number;
  /** Message id of the turn that the caller named; `parentId` of the turn is the one it really follows. */
  readonly parentId: string | null;
  /** The system message for this turn alone. */
  readonly instructions: StoredContent | null;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  /** JSON that the answer has to be; left out for any text, as rows of before have it. */
  readonly format?: AnswerFormat;
  /** What it may call; left out for nothing. */
  readonly tools?: ToolUse;
};

/** What one principal last said of an answer. */
export type StoredFeedback = {
  readonly principal: string;
  readonly thumb: number;
  readonly rating: number | null;
  readonly labels: readonly string[];
  readonly comment: StoredContent | null;
  readonly correction: StoredContent | null;
  /** Broker time. */
  readonly time: number;
  /** Event ids of the last judgements folded, so that a repeat is dropped. */
  readonly seen: readonly string[];
};

/** A conversation, small whatever its length. One without turns does not exist, unless it was erased. */
export type ConversationRow = {
  readonly id: string;
  /** Tenant of its first event: nobody else's events change it. */
  readonly tenant: string;
  readonly principal: string;
  /** Whose personal data it is. */
  readonly subject: string;
  /** Partition of the log that it lies in. */
  readonly partition: number;
  readonly title: string | null;
  readonly systemPrompt: StoredContent | null;
  /** Broker time of its first and its last event. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly archived: boolean;
  /** Turns that joined it and were not rejected. */
  readonly turns: number;
  /** Seq of the next turn. */
  readonly nextSeq: number;
  /** Message id of the turn that the next one follows by default. It may have been rejected since: see `queries.ts`. */
  readonly head: string | null;
  /** Broker time; the row then holds nothing else of its conversation. */
  readonly erasedAt: number | null;
  /** Event ids of the last changes folded, so that a repeat is dropped. */
  readonly seen: readonly string[];
};

export type TurnStatus = 'running' | 'completed' | 'failed' | 'cancelled' | 'rejected';

/** A message and its answer. */
export type TurnRow = {
  readonly inferenceId: string;
  readonly conversationId: string;
  readonly messageId: string;
  readonly tenant: string;
  readonly principal: string;
  readonly subject: string;
  /** Partition of the log that message and answer lie in. */
  readonly partition: number;
  /** Its place in the conversation, from 1; null if its message never joined: rejected at once, or undecodable. */
  readonly seq: number | null;
  /**
   * Message id of the turn it follows. That turn may have been rejected since: see `queries.ts`. For a message that came
   * with others it is the head's until prepare-turn has found where those lead.
   */
  readonly parentId: string | null;
  readonly targetId: string | null;
  readonly kind: MessageKind;
  readonly role: Role;
  readonly parts: readonly StoredPart[];
  /** What came with the message, oldest first: as it was sent, and once it was prepared without what the turns before hold. */
  readonly preceding: readonly StoredMessage[];
  /** What the caller attached to the message. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Null where nobody could read the message, or its subject was erased. */
  readonly asked: StoredAsk | null;
  readonly transport: string;
  /** The model that answered, and until then the one asked for. */
  readonly model: string;
  readonly bodyFingerprint: string;
  readonly replyPartition: number;
  readonly deltasFrom: number;
  readonly status: TurnStatus;
  /** Highest attempt announced on the log, as `effective-end.ts` folds it. */
  readonly fence: number;
  readonly answer: StoredContent | null;
  readonly finishReason: FinishReason | null;
  /** Why it failed, was cancelled or rejected. */
  readonly code: string | null;
  readonly reason: string | null;
  readonly retryable: boolean;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  /** Broker times. */
  readonly submittedAt: number;
  readonly endedAt: number | null;
  /** Offset of the effective terminal event, in `partition`. */
  readonly terminalOffset: number | null;
  readonly pinned: boolean;
  /** Broker time at which its subject was erased: it holds no text then, and takes none. */
  readonly erasedAt: number | null;
  readonly feedback: readonly StoredFeedback[];
};
