import { createHash } from 'node:crypto';

/** One turn of the demonstration: what is said, and what happens to the answer. */
export type DemoTurn = {
  /** Idempotency key of the message; equal in every run with the same seed. */
  readonly key: string;
  readonly text: string;
  readonly maxTokens: number;
  /** The answer is stopped after so many pieces; null lets it end. */
  readonly stopAfter: number | null;
  /** The judgement that is given of the answer. */
  readonly feedback: Readonly<Record<string, unknown>> | null;
  /** How the answer ends. */
  readonly ends: 'completed' | 'cancelled' | 'failed';
};

export type DemoConversation = { readonly turns: readonly DemoTurn[] };

const TURNS_PER_CONVERSATION = 4;

const QUESTIONS = [
  'Which river flows through Vienna?',
  'How does a sail move a boat against the wind?',
  'What did people eat before there were potatoes in Europe?',
  'Why do leaves turn red in autumn?',
  'How tall can a tree grow, and what limits it?',
  'What is the difference between a comet and an asteroid?',
  'Who built the first lighthouse?',
  'How do birds find their way in winter?',
  'What makes bread rise?',
  'Why is the sea salty?',
  'How was paper made by hand?',
  'What does a conductor do in front of an orchestra?',
];

const FOLLOW_UPS = [
  'Say it again in plain words.',
  'Can you give me an example?',
  'And what happens after that?',
  'Who found that out first?',
];

const COMMENTS = ['Exactly what I needed.', 'Good, but a little long.', 'That helped.'];

/**
 * Writes the demonstration: `turns` turns in conversations of four, of which the second turn is stopped and the third
 * fails. Each turn follows from the seed and its own place alone: a longer demonstration begins with a shorter one.
 * In double brackets stands what the scripted engine is asked to do (inference-workers/engines/scripted/directives.ts).
 */
export function writeDemo(turns: number, seed: string): readonly DemoConversation[] {
  return Array.from({ length: Math.ceil(turns / TURNS_PER_CONVERSATION) }, (_, conversation) => ({
    turns: Array.from(
      { length: Math.min(TURNS_PER_CONVERSATION, turns - conversation * TURNS_PER_CONVERSATION) },
      (_turn, place) => writeTurn(seed, conversation, place),
    ),
  }));
}

function writeTurn(seed: string, conversation: number, place: number): DemoTurn {
  const key = `demo-${seed}-${conversation}-${place}`;
  const say = (directives: string): string =>
    `${pick(place === 0 ? QUESTIONS : FOLLOW_UPS, key)} [[${directives}]]`;
  const turn = { key, maxTokens: 400, stopAfter: null, feedback: null };
  if (place === 1) return { ...turn, text: say('tokens=400 pace=25'), stopAfter: 5, ends: 'cancelled' };
  if (place === 2) return { ...turn, text: say('tokens=40 pace=10 fail=after:8'), ends: 'failed' };
  const feedback =
    place === 0 ? { thumb: numberOf(key) % 3 === 0 ? -1 : 1 } : { rating: 4, comment: pick(COMMENTS, key) };
  return { ...turn, text: say('pace=10'), feedback, ends: 'completed' };
}

function pick(texts: readonly string[], key: string): string {
  return texts[numberOf(key) % texts.length] ?? '';
}

/** A number that follows from the key on every machine. */
function numberOf(key: string): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0);
}
