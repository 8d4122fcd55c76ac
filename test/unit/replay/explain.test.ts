import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyDecision } from '../../../processors/prepare-turn/apply-decision.ts';
import { decide } from '../../../processors/prepare-turn/decide.ts';
import type { Conversation } from '../../../processors/prepare-turn/state.ts';
import { explain } from '../../../replay/explain/explain.ts';
import { nextPrompt, rebuildPrompt, type PromptSettings } from '../../../replay/rebuild-prompt.ts';
import type { InferenceRequested } from '../../../schemas/generated/types.ts';
import type { LoggedEvent } from '../../../streams/event.ts';
import { aRuleSet } from '../../support/builders-prepare-turn.ts';
import {
  aCompletion,
  aFailure,
  aFirstMessage,
  aMessage,
  inOrder,
  someParameters,
} from '../../support/builders.ts';

/** A prompt is made again from the log alone, whatever has been said in the conversation since. */

const settings: PromptSettings = { maxCharacters: null, ttlMillis: null };
const small = someParameters({ maxTokens: 100 });
const log = inOrder([
  aFirstMessage('q1', 'one '.repeat(40), { parameters: small }),
  aCompletion('q1', 'first '.repeat(40)),
  aMessage('q2', 'two', { parameters: small, instructions: { text: 'be brief', sealed: null, keyId: null } }),
  aMessage('q3', 'parked until two is answered', { parameters: small }),
  aCompletion('q2', 'second'),
  aFailure('q3'),
  aMessage('q4', 'two, said otherwise', { kind: 'edit', targetId: 'q2', parameters: small }),
  aMessage('q5', 'again', {
    kind: 'regenerate',
    targetId: 'q4',
    parameters: small,
    redactBeforeModel: ['email'],
  }),
  aCompletion('q4', 'fourth'),
]);

/** What prepare-turn asked, by inference, as it folded the log. */
function asked(
  events: readonly LoggedEvent[],
  contextLength: number,
): ReadonlyMap<string, InferenceRequested> {
  const rules = aRuleSet({ contextLength });
  const requests = new Map<string, InferenceRequested>();
  let conversation: Conversation | null = null;
  for (const event of events) {
    const decision = decide(event, conversation, rules);
    for (const output of decision.outputs)
      if (output.type === 'InferenceRequested') requests.set(output.data.inferenceId, output.data);
    conversation = applyDecision(conversation, decision);
  }
  return requests;
}

test('every prompt is the one that was asked, with the room that there was', () => {
  for (const contextLength of [250, 10_000]) {
    const requests = asked(log, contextLength);
    assert.deepEqual([...requests.keys()].sort(), ['inf_q1', 'inf_q2', 'inf_q3', 'inf_q4', 'inf_q5']);
    for (const [inferenceId, request] of requests) {
      const rebuilt = rebuildPrompt(log, inferenceId, request.context, settings);
      assert.equal(rebuilt?.promptHash, request.promptHash, inferenceId);
      assert.deepEqual(rebuilt.messages, request.messages);
      assert.deepEqual(rebuilt.context, request.context);
    }
  }
  assert.equal(rebuildPrompt(log, 'inf_other', null, settings), null);
});

test('what else was chosen shows; an answer that runs is compared with nothing', () => {
  const request = asked(log, 10_000).get('inf_q2');
  assert.ok(request !== undefined);
  const ends = (promptHash: string): readonly LoggedEvent[] =>
    log.map((event) =>
      event.type === 'InferenceCompleted' && event.data.inferenceId === 'inf_q2'
        ? { ...event, data: { ...event.data, promptHash, context: request.context } }
        : event,
    );
  const evidence = { inferenceId: 'inf_q2', turns: [], stream: [], scores: [] };
  const verdict = (promptHash: string, limits = settings): unknown =>
    explain({ ...evidence, conversation: ends(promptHash) }, limits).prompt.verdict;
  assert.deepEqual(verdict(request.promptHash), { type: 'same' });
  assert.deepEqual(verdict('another'), { type: 'different', manifest: 'same' });
  assert.deepEqual(verdict(request.promptHash, { ...settings, maxCharacters: 10 }), {
    type: 'different',
    manifest: 'different',
  });
  const running = explain({ ...evidence, conversation: log.slice(0, 3) }, settings);
  assert.deepEqual([running.end, running.prompt.verdict.type], [null, 'not compared']);
  assert.ok(running.prompt.messages !== null, 'the prompt is known all the same');
});

test('the next prompt of any moment is the one that was asked next', () => {
  const requests = asked(log, 10_000);
  const second = nextPrompt(log.slice(0, 2), 'two', settings);
  const { messages = [] } = requests.get('inf_q2') ?? {};
  // It had instructions of its own, which nobody can know before.
  assert.deepEqual(
    second?.messages,
    messages.filter(({ role }) => role !== 'system'),
  );
  assert.equal(nextPrompt(log.slice(0, 3), 'too soon', settings), null, 'an answer is under way');
  assert.equal(nextPrompt([], 'nothing', settings), null);
});
