import { z } from 'zod';

const seq = z.int().min(0);
const inference = { inference_id: z.string() };

/** Fields that a later gateway adds are kept, so that `--json` shows them. */
const serverFrame = z.discriminatedUnion('type', [
  z.looseObject({
    ...{ type: z.literal('accepted'), id: z.string().nullable(), ...inference },
    ...{ message_id: z.string(), conversation_id: z.string(), token: z.string() },
  }),
  z.looseObject({ type: z.literal('delta'), ...inference, seq, text: z.string() }),
  z.looseObject({ type: z.literal('reset'), ...inference, seq }),
  z.looseObject({
    ...{ type: z.literal('done'), ...inference, seq, outcome: z.enum(['completed', 'cancelled']) },
    ...{ finish_reason: z.string().nullable(), model: z.string() },
  }),
  z.looseObject({
    ...{ type: z.literal('error'), seq: seq.optional(), code: z.string(), message: z.string() },
    ...{ fix: z.string().optional(), retryable: z.boolean(), retry_after_ms: z.number().optional() },
  }),
  z.looseObject({ type: z.literal('draining') }),
]);

/** What a gateway sends over a WebSocket about one answer. */
export type ServerFrame = z.infer<typeof serverFrame>;
export type DoneFrame = Extract<ServerFrame, { type: 'done' }>;
export type ErrorFrame = Extract<ServerFrame, { type: 'error' }>;

/** Reads a frame; null for one that this version knows nothing of. */
export function parseServerFrame(text: string): ServerFrame | null {
  try {
    return serverFrame.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
