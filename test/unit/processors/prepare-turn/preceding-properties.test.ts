import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../../../processors/prepare-turn/decide.ts';
import { PathIndex } from '../../../../processors/prepare-turn/paths.ts';
import type { Rules } from '../../../../processors/prepare-turn/rules.ts';
import {
  conversationFromRows,
  conversationToRow,
  turnToRow,
  type Conversation,
  type Turn,
} from '../../../../processors/prepare-turn/state.ts';
import type { PromptMessage } from '../../../../schemas/generated/types.ts';
import type { LoggedEvent, NewEvent } from '../../../../streams/event.ts';
import { applyDecision } from '../../../../processors/prepare-turn/apply-decision.ts';
import { aRuleSet, promptOf } from '../../../support/builders-prepare-turn.ts';
import {
  aCancellation,
  aCancelRequest,
  aCompletion,
  aFailure,
  aFirstMessage,
  aMessage,
  inOrder,
  theMessage,
} from '../../../support/builders.ts';

/** A conversation while its log is written: like the shell it keeps one index of paths. */
class Log {
  conversation: Conversation | null = null;
  readonly #rules: Rules;
  readonly #paths = new PathIndex();
  #length = 0;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  append(event: LoggedEvent): readonly NewEvent[] {
    const [placed = event] = inOrder([event], this.#length);
    this.#length += 1;
    const decision = decide(placed, this.conversation, this.#rules);
    const loaded = decide(placed, stored(this.conversation), this.#rules);
    assert.deepEqual(loaded, decision, 'read from its rows, in any order, the conversation is the same');
    for (const turn of decision.turns) if (turn.status === 'ended') this.#paths.add(turn);
    const applied = applyDecision(this.conversation, decision);
    this.conversation = applied === null ? null : { ...applied, paths: this.#paths };
    return decision.outputs;
  }
}

/** The conversation as the store gives it back, its rows the other way round. */
function stored(conversation: Conversation | null): Conversation | null {
  if (conversation === null) return null;
  const turns = [...conversation.turns.values()].map((turn) =>
    turnToRow(conversation.row.conversationId, turn),
  );
  return conversationFromRows([...turns.reverse(), conversationToRow(conversation.row)]);
}

const said = fc.constantFrom('a', 'a ', ' a', 'A', 'ab', 'ab\n', 'a 🙂', '  ');
const exchange = fc.record({ question: said, answer: said, fails: fc.nat({ max: 4 }).map((n) => n === 0) });

test('any split of a conversation into calls with its history gives the prompts of one message at a time', () => {
  fc.assert(
    fc.property(
      fc.array(exchange, { minLength: 1, maxLength: 8 }),
      fc.array(fc.constantFrom('skipped', 'history', 'history kept elsewhere'), {
        minLength: 8,
        maxLength: 8,
      }),
      fc.integer({ min: 100 + 12, max: 300 }),
      (exchanges, calls, contextLength) => {
        const rules = aRuleSet({ contextLength });
        const native = new Log(rules);
        let split = new Log(rules);
        const history: PromptMessage[] = [];
        exchanges.forEach(({ question, answer, fails }, index) => {
          const id = `q${index}`;
          const end = fails ? aFailure(id) : aCompletion(id, answer, { completionTokens: 0 });
          const message = index === 0 ? aFirstMessage(id, question) : aMessage(id, question);
          const expected = promptOf(native.append(message));
          native.append(end);
          if (calls[index] === 'history kept elsewhere') split = new Log(rules);
          if (calls[index] !== 'skipped') {
            const isNew = split.conversation === null;
            const event = aMessage(id, question, { isNew, preceding: [...history] });
            // A call without a history follows the head, as everywhere.
            if (isNew || history.length > 0) {
              assert.deepEqual(promptOf(split.append(event)), expected);
              split.append(end);
            }
          }
          if (!fails) history.push(theMessage('user', question), theMessage('assistant', answer));
        });
      },
    ),
    { numRuns: 1_000 },
  );
});

test('what was looked for while something still ran is found later', () => {
  const log = new Log(aRuleSet());
  const history = ['one', 'two'].flatMap((text) => [theMessage('user', text), theMessage('assistant', text)]);
  log.append(aFirstMessage('q1', 'one'));
  log.append(aMessage('q2', 'three', { parentId: 'q1', preceding: history.slice(2) }));
  log.append(aCancelRequest('q2'));
  log.append(aCancellation('q2'));
  const heldBy = (id: string): number | undefined => {
    log.append(aMessage(id, 'last', { preceding: history }));
    return log.conversation?.turns.get(id)?.held;
  };
  assert.equal(heldBy('q3'), 0);
  log.append(aCompletion('q1', 'one'));
  assert.equal(heldBy('q4'), 4);
  assert.equal(log.conversation?.turns.get('q4')?.parentId, 'q2');
});

type Step = {
  readonly from: number;
  readonly kept: number;
  readonly added: readonly PromptMessage[];
  readonly text: string;
  readonly end: 'answered' | 'failed' | 'running';
};

const step: fc.Arbitrary<Step> = fc.record({
  from: fc.nat({ max: 20 }),
  kept: fc.nat({ max: 12 }),
  added: fc.array(
    fc
      .tuple(
        fc.constantFrom('user' as const, 'assistant' as const, 'system' as const),
        fc.constantFrom('a', 'b'),
      )
      .map(([role, text]) => theMessage(role, text)),
    { maxLength: 2 },
  ),
  text: fc.constantFrom('a', 'b'),
  end: fc.constantFrom('answered', 'answered', 'failed', 'running'),
});

test('with room for all a prompt is what its caller sent, and the longest path that it begins with is not kept twice', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 14 }), (steps) => {
      const log = new Log(aRuleSet({ contextLength: 1_000_000 }));
      const histories: (readonly PromptMessage[])[] = [[]];
      steps.forEach(({ from, kept, added, text, end }, index) => {
        const base = histories[from % histories.length] ?? [];
        const preceding = [...base.slice(0, kept), ...added];
        const isNew = log.conversation === null;
        if (!isNew && preceding.length === 0) return;
        const id = `q${index}`;
        const longest = longestPath([...(log.conversation?.turns.values() ?? [])], preceding);
        const outputs = log.append(aMessage(id, text, { isNew, preceding }));
        const own = theMessage('user', text);
        assert.deepEqual(promptOf(outputs), [...preceding, own].map(lineOf));
        const turn = log.conversation?.turns.get(id);
        assert.equal(turn?.held, longest);
        assert.deepEqual(turn?.preceding.map(lineOf), preceding.slice(longest).map(lineOf));
        if (end === 'answered') log.append(aCompletion(id, text, { completionTokens: 0 }));
        else if (end === 'failed') log.append(aFailure(id));
        histories.push([...preceding, own, theMessage('assistant', text)]);
      });
    }),
    { numRuns: 1_000 },
  );
});

/** The same by comparing with every turn, word for word. */
function longestPath(turns: readonly Turn[], history: readonly PromptMessage[]): number {
  const byId = new Map(turns.map((turn) => [turn.messageId, turn]));
  const lines = history.map(lineOf);
  const lengths = turns.map((turn) => {
    const path = pathOf(turn, byId);
    return path?.every((line, index) => line === lines[index]) === true ? path.length : 0;
  });
  return Math.max(0, ...lengths);
}

function pathOf(turn: Turn, turns: ReadonlyMap<string, Turn>): readonly string[] | null {
  if (turn.status !== 'ended') return null;
  const parent = turn.parentId === null ? undefined : turns.get(turn.parentId);
  const above = parent === undefined ? [] : pathOf(parent, turns);
  if (above === null) return null;
  const exchanged = turn.answer === '' ? [] : [turn, theMessage('assistant', turn.answer)];
  return [...above, ...turn.preceding.map(lineOf), ...exchanged.map(lineOf)];
}

function lineOf({ role, parts }: PromptMessage): string {
  return `${role}: ${parts.map((part) => part.text?.text ?? '').join('')}`;
}
