/**
 * @import { Turn } from './turn.js'
 */
import { askingFrame, isNameless } from './request.js';
import { replace } from './turn.js';

/**
 * Sends what is not yet asked, or not yet stopped, on this connection.
 *
 * @type {(turn: Turn) => void}
 */
export function askWaiting(turn) {
  for (const { key } of turn.session.requests) {
    const request = turn.session.requests.find((one) => one.key === key);
    if (request === undefined) continue;
    const isBusy = isNameless(request) && turn.session.requests.some((one) => one.sent && isNameless(one));
    if (!request.sent && request.retryAt === null && !isBusy) {
      turn.effects.push({ type: 'send', frame: askingFrame(request) });
      replace(turn, { ...request, sent: true, everSent: true });
    }
    sendStop(turn, key);
  }
}

/** @type {(turn: Turn, key: number) => void} */
function sendStop(turn, key) {
  const request = turn.session.requests.find((one) => one.key === key);
  if (request === undefined || !request.stopped || !request.sent || request.stopSent) return;
  const { token, inferenceId } = request;
  if (inferenceId === null || (token === null && request.frame !== null)) return;
  const sealed = token === null ? {} : { token };
  turn.effects.push({ type: 'send', frame: { type: 'stop', inference_id: inferenceId, ...sealed } });
  replace(turn, { ...request, stopSent: true });
}
