import { z } from 'zod';
import { createSealer } from './sealer.ts';

const claims = z.tuple([z.string(), z.string(), z.string(), z.string(), z.int().min(0), z.int().min(0)]);

/** Where an inference's answer lies: enough for any gateway to resume or cancel it without a read model. */
export type Place = {
  readonly tenantId: string;
  readonly conversationId: string;
  readonly messageId: string;
  readonly inferenceId: string;
  readonly replyPartition: number;
  readonly deltasFrom: number;
};

/** Seals and opens resume tokens: a client can neither read nor change one. */
export interface Tokens {
  seal(place: Place): string;
  /** Null for anything that this deployment did not seal. */
  open(token: string): Place | null;
}

export function createTokens(secret: Buffer): Tokens {
  const sealer = createSealer(secret, 'resume-token');
  return {
    seal({ tenantId, conversationId, messageId, inferenceId, replyPartition, deltasFrom }) {
      const parts = [tenantId, conversationId, messageId, inferenceId, replyPartition, deltasFrom];
      return sealer.seal(JSON.stringify(parts));
    },
    open(token) {
      const text = sealer.open(token);
      if (text === null) return null;
      const [tenantId, conversationId, messageId, inferenceId, replyPartition, deltasFrom] = claims.parse(
        JSON.parse(text),
      );
      return { tenantId, conversationId, messageId, inferenceId, replyPartition, deltasFrom };
    },
  };
}
