/**
 * What a gateway sends over the WebSocket, as far as this client reads it. A frame that is none, or of a type that came
 * later, is null.
 *
 * @typedef {{ type: 'accepted', id: string | null, inference_id: string, message_id: string, conversation_id: string, token: string }} AcceptedFrame
 * @typedef {{ type: 'accepted', id: string | null, inference_id: string, feedback_id: string }} FeedbackFrame
 * @typedef {{ type: 'delta', inference_id: string, seq: number, text: string }} DeltaFrame
 * @typedef {{ type: 'reset', inference_id: string, seq: number }} ResetFrame
 * @typedef {{ type: 'done', inference_id: string, seq: number, outcome: 'completed' | 'cancelled', finish_reason: string | null, model: string, usage: UsageFields | null }} DoneFrame
 * @typedef {{ type: 'error', id?: string, inference_id?: string, seq?: number, code: string, message: string, fix?: string, param?: string, retryable: boolean, retry_after_ms?: number }} ErrorFrame
 * @typedef {{ type: 'draining' }} DrainingFrame
 * @typedef {{ prompt_tokens: number, completion_tokens: number, total_tokens: number, cached_tokens: number }} UsageFields
 * @typedef {AcceptedFrame | FeedbackFrame | DeltaFrame | ResetFrame | DoneFrame | ErrorFrame | DrainingFrame} ServerFrame
 */

/** @type {Readonly<Record<string, Readonly<Record<string, 'string' | 'number' | 'boolean' | 'object'>>>>} */
const REQUIRED = {
  accepted: { inference_id: 'string' },
  delta: { inference_id: 'string', seq: 'number', text: 'string' },
  reset: { inference_id: 'string', seq: 'number' },
  done: { inference_id: 'string', seq: 'number', outcome: 'string', usage: 'object' },
  error: { code: 'string', message: 'string', retryable: 'boolean' },
  draining: {},
};

/**
 * @param {string} text
 * @returns {ServerFrame | null}
 */
export function parseServerFrame(text) {
  let frame;
  try {
    frame = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof frame !== 'object' || frame === null || !Object.hasOwn(REQUIRED, frame.type)) return null;
  const fields = Object.entries(REQUIRED[frame.type] ?? {});
  return fields.every(([name, type]) => typeof frame[name] === type) ? frame : null;
}
