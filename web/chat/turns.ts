/** A question and its answer, as the page holds it. A changed turn is another object. */
export type Turn = {
  /** Names the turn in this page, from before it has an id. */
  readonly key: string;
  /** Null until a gateway has accepted it. */
  readonly messageId: string | null;
  readonly inferenceId: string | null;
  /** Message id of the turn it follows; null for the first. */
  readonly parentId: string | null;
  readonly question: string;
  readonly answer: string;
  readonly status: 'sending' | 'running' | 'completed' | 'failed' | 'cancelled';
  /** What went wrong, in a sentence. */
  readonly problem: string | null;
  /** Such as `stop` or `length`; null where nobody said. */
  readonly finishReason: string | null;
  readonly model: string | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** Milliseconds from the question to the first piece of the answer; null where this page did not see it. */
  readonly firstMillis: number | null;
  /** Milliseconds from the question to the end. */
  readonly totalMillis: number | null;
  readonly thumb: 1 | -1 | 0;
  readonly pinned: boolean;
  /** Message id of the turn beside which it is shown, as another model's answer to the same. */
  readonly besideId: string | null;
};

/** The name under which a turn says beside which one it is shown; part of its metadata on the log. */
export const BESIDE = 'side_by_side';

/** A turn of which nothing is known but the question. */
export function openTurn(key: string, question: string, special: Partial<Turn> = {}): Turn {
  return {
    ...{ key, question, messageId: null, inferenceId: null, parentId: null, answer: '', status: 'sending' },
    ...{ problem: null, finishReason: null, model: null, promptTokens: null, completionTokens: null },
    ...{ firstMillis: null, totalMillis: null, thumb: 0, pinned: false, besideId: null },
    ...special,
  };
}

/** A turn of `GET /v1/conversations/{id}`. */
export type RecordedTurn = {
  readonly message_id: string;
  readonly inference_id: string;
  readonly parent_id: string | null;
  readonly message: string;
  readonly response: string | null;
  readonly tool_calls: readonly { readonly name: string; readonly arguments: string }[];
  readonly status: 'running' | 'completed' | 'failed' | 'cancelled';
  readonly code: string | null;
  readonly finish_reason: string | null;
  readonly model: string;
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
  readonly pinned: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly feedback: readonly { readonly thumb: 1 | -1 | 0 }[];
  readonly submitted_at: string;
  readonly ended_at: string | null;
};

/** An answer and what it called, as Markdown. */
function answerOf({ response, tool_calls: calls }: RecordedTurn): string {
  const called = calls.map(
    ({ name, arguments: given }) => `Called \`${name}\`:\n\n\`\`\`json\n${given}\n\`\`\``,
  );
  return [response ?? '', ...called].filter((piece) => piece !== '').join('\n\n');
}

export function recordedTurn(found: RecordedTurn): Turn {
  const { message_id, usage, submitted_at, ended_at, code } = found;
  return openTurn(message_id, found.message, {
    ...{ messageId: message_id, inferenceId: found.inference_id, parentId: found.parent_id },
    ...{ answer: answerOf(found), status: found.status, model: found.model, pinned: found.pinned },
    finishReason: found.finish_reason,
    problem: found.status === 'failed' ? `The answer failed (${code ?? 'unknown'}).` : null,
    ...(ended_at === null
      ? {}
      : {
          promptTokens: usage.prompt_tokens,
          completionTokens: usage.completion_tokens,
          totalMillis: Date.parse(ended_at) - Date.parse(submitted_at),
        }),
    thumb: found.feedback.at(-1)?.thumb ?? 0,
    besideId: found.metadata[BESIDE] ?? null,
  });
}

/** Turns in the order in which they were asked. */
export type Turns = readonly Turn[];

/** Returns the turns from the root to the one named, oldest first. */
export function pathTo(turns: Turns, key: string | null): Turns {
  const byId = new Map(turns.map((turn) => [turn.messageId, turn]));
  const path: Turn[] = [];
  for (let turn = turns.find((one) => one.key === key); turn !== undefined;) {
    path.unshift(turn);
    turn = turn.parentId === null ? undefined : byId.get(turn.parentId);
  }
  return path;
}

/** Returns the turns that stand in the same place: other answers to the same, or to another wording. */
export function versionsOf(turns: Turns, { parentId }: Turn): Turns {
  const ids = new Set(turns.map(({ messageId }) => messageId));
  // Of a long conversation only the newer turns may be there: what follows an unknown one stands alone.
  const place = parentId !== null && !ids.has(parentId) ? undefined : parentId;
  return turns.filter((turn) => turn.parentId === parentId && place !== undefined);
}

/** Returns the turns that are shown side by side with one, itself among them, in their order. */
export function besideOf(turns: Turns, turn: Turn): Turns {
  const first = turn.besideId ?? turn.messageId;
  if (first === null) return [turn];
  return turns.filter(
    ({ key, messageId, besideId }) => key === turn.key || messageId === first || besideId === first,
  );
}

/** Returns the newest turn below one, along the newest branch; itself where nothing follows. */
export function newestUnder(turns: Turns, turn: Turn): Turn {
  let newest = turn;
  for (;;) {
    const { messageId } = newest;
    const next = messageId === null ? undefined : turns.findLast(({ parentId }) => parentId === messageId);
    if (next === undefined) return newest;
    newest = next;
  }
}

/** Returns turns with those that were read anew: what the page itself saw of a running answer stays. */
export function merge(held: Turns, found: Turns): Turns {
  const known = new Map(held.map((turn) => [turn.messageId, turn]));
  const merged = found.map((turn) => {
    const own = known.get(turn.messageId);
    known.delete(turn.messageId);
    if (own === undefined) return turn;
    const { key, firstMillis } = own;
    return own.status === 'running' || turn.status === 'running' ? own : { ...turn, key, firstMillis };
  });
  const ids = new Set(found.map(({ messageId }) => messageId));
  return [...merged, ...held.filter(({ messageId }) => messageId === null || !ids.has(messageId))];
}
