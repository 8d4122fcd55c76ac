/** @import { Judged, Judgement, Message } from './steno-client.js' */

/**
 * A message as the gateway's WebSocket takes it. Throws what JSON.stringify throws.
 *
 * @param {Message} message
 * @param {string} id
 * @returns {object}
 */
export function messageFrame(message, id) {
  return copy({
    type: 'message',
    id,
    text: message.text,
    conversation_id: message.conversationId,
    model: message.model,
    max_tokens: message.maxTokens,
    temperature: message.temperature,
    top_p: message.topP,
    seed: message.seed,
    parent_id: message.parentId,
    target_id: message.targetId,
    kind: message.kind,
    interrupt: message.interrupt,
    metadata: message.metadata,
  });
}

/**
 * @param {Judged} answer
 * @param {Judgement} judgement
 * @param {string} id
 * @returns {object}
 */
export function feedbackFrame({ inferenceId, token }, judgement, id) {
  const { thumb, rating, labels, comment, correction } = judgement;
  return copy({
    ...{ type: 'feedback', id, inference_id: inferenceId, token },
    ...{ thumb, rating, labels, comment, correction },
  });
}

/**
 * What is sent again must be what was sent, whatever the caller does with it meanwhile.
 *
 * @param {object} frame
 * @returns {object}
 */
function copy(frame) {
  return JSON.parse(JSON.stringify(frame));
}

/** An id nobody else has. `crypto.randomUUID` is missing on pages that came over plain HTTP. */
export function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
