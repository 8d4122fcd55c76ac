import { StenoError } from '../../runtime/errors.ts';
import { askGateway, type Asked } from '../ask/ask-gateway.ts';
import type { DemoConversation, DemoTurn } from './script.ts';

export type PlayOptions = {
  readonly url: string;
  readonly key: string | null;
  /** Aborted: no further turn begins; the one under way comes to its end. */
  readonly signal: AbortSignal;
  readonly onTurn: () => void;
  readonly onNote: (text: string) => void;
};

export type PlayedTurn = { readonly ends: DemoTurn['ends']; readonly judged: boolean };
export type Played = { readonly conversationId: string | null; readonly turns: readonly PlayedTurn[] };

/** Messages of a demonstration are told from those of people by this. */
const DEMO = { demo: 'true' };
const MODEL = 'scripted';
const ANSWER_MS = 30_000;

/** Plays a conversation, one turn after the other. Throws StenoError `demo_differs` where a turn ends in another way. */
export async function play(conversation: DemoConversation, options: PlayOptions): Promise<Played> {
  let conversationId: string | null = null;
  const turns: PlayedTurn[] = [];
  for (const turn of conversation.turns) {
    if (options.signal.aborted) break;
    const asked = await askTurn(turn, conversationId, options);
    const ends = endOf(asked);
    if (ends !== turn.ends || asked.accepted === null) throw differs(turn, asked);
    ({ conversationId } = asked.accepted);
    if (turn.feedback !== null) await judge(turn, asked.accepted, options);
    turns.push({ ends, judged: turn.feedback !== null });
    options.onTurn();
  }
  return { conversationId, turns };
}

async function askTurn(turn: DemoTurn, conversationId: string | null, options: PlayOptions): Promise<Asked> {
  const stopping = new AbortController();
  let pieces = 0;
  return askGateway({
    ...{ url: options.url, key: options.key, id: turn.key, stop: stopping.signal, onNote: options.onNote },
    message: {
      ...{ text: turn.text, model: MODEL, max_tokens: turn.maxTokens, metadata: DEMO },
      ...(conversationId === null ? {} : { conversation_id: conversationId }),
    },
    onFrame(frame) {
      if (frame.type !== 'delta') return;
      pieces += 1;
      if (pieces === turn.stopAfter) stopping.abort();
    },
  });
}

/** A refusal is no end of an answer: only what the log says counts. */
function endOf({ end }: Asked): DemoTurn['ends'] | null {
  if (end === null) return null;
  if (end.type === 'done') return end.outcome;
  return end.seq === undefined ? null : 'failed';
}

async function judge(
  turn: DemoTurn,
  accepted: NonNullable<Asked['accepted']>,
  { url, key }: PlayOptions,
): Promise<void> {
  const response = await fetch(`${url}/v1/feedback`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': turn.key,
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({
      inference_id: accepted.inferenceId,
      token: accepted.token,
      ...turn.feedback,
    }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  await response.arrayBuffer();
  if (response.ok) return;
  throw new StenoError(
    'feedback_refused',
    `the gateway answered ${response.status} to a judgement of the demonstration`,
    {
      fix: 'look at the log of the gateway',
      facts: { status: response.status },
    },
  );
}

function differs(turn: DemoTurn, { end }: Asked): StenoError {
  const got =
    end === null
      ? 'was not sent'
      : end.type === 'done'
        ? `ended ${end.outcome}`
        : `got "${end.message}" (${end.code})`;
  return new StenoError('demo_differs', `turn ${turn.key} ${got}, where the script says ${turn.ends}`, {
    fix:
      (end?.type === 'error' ? end.fix : undefined) ??
      'try another --seed: an earlier run with this one may have been broken off',
  });
}
