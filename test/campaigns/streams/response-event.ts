import type { SeenFrame, Witnessed } from '../../checker/evidence.ts';
import type { Heard } from './heard.ts';

/** Writes down an event of the Responses API; false once the stream has nothing more to say. */
export function readResponseEvent(
  state: Witnessed & { responseId: string },
  heard: Heard,
  on: Pick<SeenFrame, 'connection' | 'after'>,
): boolean {
  const type = String(heard['type']);
  const seq = typeof heard['sequence_number'] === 'number' ? heard['sequence_number'] : null;
  const write = (kind: SeenFrame['type'], text = ''): void =>
    void state.frames.push({ ...on, type: kind, seq, text });
  if (type === 'response.created') {
    // The event's own shape, as OpenAI defines it.
    const { id } = heard['response'] as { id: string };
    state.submission = 'accepted';
    state.responseId = id;
    state.inferenceId = id.replace(/^resp_/, 'inf_');
    write('other');
    return true;
  }
  if (type === 'response.output_text.delta') {
    write('delta', String(heard['delta']));
    return true;
  }
  if (type === 'error') {
    // A stream that breaks is an error event too; the answer's own failure is `response.failed`.
    state.code = String(heard['code']);
    return false;
  }
  if (type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed') {
    write('done');
    const { status } = heard['response'] as { status: string };
    state.outcome = status === 'failed' ? 'failed' : status === 'cancelled' ? 'cancelled' : 'completed';
    return false;
  }
  write('other');
  return true;
}
