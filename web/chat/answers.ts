import type { Answer, Judgement, Message, StenoClient } from '../../client/steno-client.js';
import { StenoError } from '../../client/steno-client.js';
import type { Turn } from './turns.ts';

/** What is learned of a turn while its answer is made. */
type Learned = Partial<Omit<Turn, 'key' | 'question'>>;

/** Answers that are being made, each under the key of its turn. */
export interface Answers {
  /** Asks; resolves once the message is on the log, with its ids, or to null if it never got there. */
  ask(key: string, message: Message): Promise<Accepted | null>;
  /** Reads an answer from its beginning: one that runs, of this page or any other. */
  follow(key: string, inferenceId: string): void;
  stop(key: string): void;
  isRunning(key: string): boolean;
  /** Resolves once the judgement is on the log. Rejects with StenoError. */
  judge(inferenceId: string, judgement: Judgement): Promise<void>;
}

export type Accepted = {
  readonly messageId: string;
  readonly inferenceId: string;
  readonly conversationId: string;
};

export function openAnswers(
  client: StenoClient,
  onLearned: (key: string, learned: Learned) => void,
): Answers {
  const running = new Map<string, Answer>();

  async function read(
    key: string,
    answer: Answer,
    onAccepted: (accepted: Accepted | null) => void,
    since: () => number | null,
  ): Promise<void> {
    let text = '';
    running.set(key, answer);
    try {
      for await (const part of answer) {
        switch (part.type) {
          case 'accepted': {
            const { messageId, inferenceId, conversationId } = part;
            onLearned(key, { messageId, inferenceId, status: 'running' });
            onAccepted({ messageId, inferenceId, conversationId });
            break;
          }
          case 'text':
            onLearned(key, {
              answer: (text += part.text),
              ...(text === part.text ? { firstMillis: since() } : {}),
            });
            break;
          case 'reset':
            onLearned(key, { answer: (text = '') });
            break;
          case 'done':
            onLearned(key, {
              ...{
                status: part.outcome,
                model: part.model,
                finishReason: part.finishReason,
                totalMillis: since(),
              },
              promptTokens: part.usage?.promptTokens ?? null,
              completionTokens: part.usage?.completionTokens ?? null,
            });
        }
      }
    } catch (error) {
      onLearned(key, { status: 'failed', problem: sentenceOf(error) });
      onAccepted(null);
    } finally {
      if (running.get(key) === answer) running.delete(key);
    }
  }

  return {
    ask: (key, message) =>
      new Promise((resolve) => {
        const asked = performance.now();
        void read(key, client.ask(message), resolve, () => Math.round(performance.now() - asked));
      }),
    follow(key, inferenceId) {
      if (running.has(key)) return;
      // Who comes later knows nothing of the time before.
      void read(
        key,
        client.resume({ inferenceId }),
        () => undefined,
        () => null,
      );
    },
    stop: (key) => running.get(key)?.stop(),
    isRunning: (key) => running.has(key),
    async judge(inferenceId, judgement) {
      await client.feedback({ inferenceId }, judgement);
    },
  };
}

/** Says what went wrong, and what helps if anybody knows. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return 'Something went wrong.';
  const fix = error instanceof StenoError && error.fix !== null ? `: ${error.fix}` : '';
  const text = error.message + fix;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
