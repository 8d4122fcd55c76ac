import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../../../processors/prepare-turn/decide.ts';
import type { Conversation, Turn } from '../../../../processors/prepare-turn/state.ts';
import type { LoggedEvent, NewEvent } from '../../../../streams/event.ts';
import { applyDecision } from '../../../../processors/prepare-turn/apply-decision.ts';
import { aRuleSet } from '../../../support/builders-prepare-turn.ts';
import {
  aCancellation,
  aCancelRequest,
  aCompletion,
  aConversationChange,
  aFailure,
  aFirstMessage,
  aMessage,
  anAttempt,
  CONVERSATIONS,
  inOrder,
  logged,
} from '../../../support/builders.ts';

type Action =
  | {
      readonly do: 'say';
      readonly at: number;
      readonly how: 'head' | 'parent' | 'regenerate' | 'edit';
      readonly interrupt: boolean;
      readonly long: boolean;
    }
  | {
      readonly do: 'end';
      readonly at: number;
      readonly how: 'completed' | 'failed' | 'cancelled';
      readonly behind: number;
    }
  | { readonly do: 'fence' | 'stop' | 'repeat'; readonly at: number }
  | { readonly do: 'change' }
  | { readonly do: 'deliver' };

const at = fc.nat({ max: 20 });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      at,
      how: fc.constantFrom('head', 'parent', 'regenerate', 'edit'),
      interrupt: fc.boolean(),
      long: fc.nat({ max: 9 }).map((n) => n === 0),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      at,
      how: fc.constantFrom('completed', 'failed', 'cancelled'),
      behind: fc.nat({ max: 1 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('fence' as const, 'stop' as const, 'repeat' as const), at }),
  },
  { weight: 3, arbitrary: fc.constantFrom<Action>({ do: 'change' }, { do: 'deliver' }) },
);

const rules = aRuleSet({ contextLength: 1_000 });

/** A conversation's log while it is written: by people, by workers, and by prepare-turn itself. */
class World {
  conversation: Conversation | null = null;
  readonly log: LoggedEvent[] = [];
  readonly outputs: NewEvent[] = [];
  /** What prepare-turn appended to the conversation's log and the log has not shown yet. */
  readonly onTheWay: NewEvent[] = [];
  #said = 0;

  append(event: LoggedEvent): void {
    const [placed = event] = inOrder([event], this.log.length);
    this.log.push(placed);
    const decision = decide(placed, this.conversation, rules);
    assert.deepEqual(decide(placed, this.conversation, rules), decision, 'deciding again gives the same');
    this.conversation = applyDecision(this.conversation, decision);
    this.outputs.push(...decision.outputs);
    this.onTheWay.push(...decision.outputs.filter(({ topic }) => topic === CONVERSATIONS));
    this.#feedAgain(placed);
    checkTree(this.turns(), this.conversation?.row.parked ?? []);
  }

  play(step: Action): void {
    if (step.do === 'say') return this.#say(step);
    if (step.do === 'deliver') return this.deliver();
    if (step.do === 'change') return this.append(aConversationChange({ clearContext: true }));
    const turn = pick(this.turns(), step.at);
    if (turn === undefined) return;
    const { messageId, fence } = turn;
    if (step.do === 'fence') {
      // Only what was asked for can be taken over.
      if (turn.promptHash === '') return;
      this.append(anAttempt(messageId, Math.max(2, fence + 1)));
    } else if (step.do === 'stop') this.append(aCancelRequest(messageId));
    else if (step.do === 'end') this.end(turn, step.how, step.behind);
    else {
      const known = this.log.filter(
        (event) => event.type !== 'MessageSubmitted' || this.#knows(event.data.eventId),
      );
      const event = pick(known, step.at);
      if (event !== undefined) this.append({ ...event, offset: -1, time: -1 });
    }
  }

  /** A worker ends an inference that it was asked for; `behind` 1 is a zombie, one attempt below the fence. */
  end(turn: Turn, how: 'completed' | 'failed' | 'cancelled', behind: number): void {
    if (turn.status === 'parked' || turn.promptHash === '') return;
    const attempt = Math.max(1, turn.fence - behind);
    const special = { attempt, claim: `claim_${turn.messageId}_${attempt}` };
    if (how === 'completed') this.append(aCompletion(turn.messageId, `answer ${attempt}`, special));
    else if (how === 'failed') this.append(aFailure(turn.messageId, special));
    else this.append(aCancellation(turn.messageId, 'partial', special));
  }

  deliver(): void {
    const event = this.onTheWay.shift();
    if (event !== undefined) this.append(logged(event));
  }

  /** Lets everything come to its end: what is on the way arrives, what runs is answered. */
  settle(): void {
    for (let steps = 0; steps < 500; steps += 1) {
      const running = this.turns().find(
        ({ status, promptHash }) => status === 'requested' && promptHash !== '',
      );
      if (this.onTheWay.length > 0) this.deliver();
      else if (running !== undefined) this.end(running, 'completed', 0);
      else return;
    }
    assert.fail('it does not come to an end');
  }

  turns(): readonly Turn[] {
    return [...(this.conversation?.turns.values() ?? [])];
  }

  #say({ at: place, how, interrupt, long }: Extract<Action, { do: 'say' }>): void {
    this.#said += 1;
    const id = `q${this.#said}`;
    const text = long ? 'x'.repeat(3_000) : `text ${id}`;
    const named = pick(this.turns(), place)?.messageId;
    if (named === undefined) return this.append(aFirstMessage(id, text));
    if (how === 'head') this.append(aMessage(id, text, { interrupt }));
    else if (how === 'parent') this.append(aMessage(id, text, { interrupt, parentId: named }));
    else this.append(aMessage(id, text, { interrupt, kind: how, targetId: named }));
  }

  /** The same record once more: nothing moves, and only a message says anything, under the ids of the first time. */
  #feedAgain(event: LoggedEvent): void {
    const again = decide(event, this.conversation, rules);
    assert.deepEqual(applyDecision(this.conversation, again), this.conversation);
    if (event.type !== 'MessageSubmitted') assert.deepEqual(again.outputs, [], event.type);
    else if (this.#knows(event.data.eventId)) {
      assert.deepEqual(
        again.outputs.map(({ type }) => type),
        ['InferenceAttached'],
      );
    } else {
      assert.deepEqual(
        again.outputs.map(({ type }) => type),
        ['MessageRejected', 'InferenceEnded', 'TurnMeasured'],
      );
    }
  }

  #knows(messageId: string): boolean {
    return this.conversation?.turns.has(messageId) ?? false;
  }
}

test('in any order of events every message is asked for at most once and answered exactly once', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (steps) => {
      const world = new World();
      for (const step of steps) world.play(step);
      world.settle();
      const count = (type: NewEvent['type'], inferenceId: string): number =>
        world.outputs.filter(
          ({ type: made, data }) =>
            made === type && 'inferenceId' in data && data.inferenceId === inferenceId,
        ).length;
      for (const { messageId, inferenceId, status } of world.turns()) {
        assert.equal(status, 'ended', messageId);
        assert.ok(count('InferenceRequested', inferenceId) <= 1, `${messageId} is asked for once`);
        assert.equal(count('InferenceEnded', inferenceId), 1, `${messageId} is answered once`);
        assert.equal(count('TurnMeasured', inferenceId), 1, `${messageId} is measured once`);
      }
      assert.deepEqual(world.conversation?.row.parked ?? [], []);
    }),
    { numRuns: 300 },
  );
});

/** Who waits has somebody above that has not ended; who was asked for has nobody. */
function checkTree(turns: readonly Turn[], parked: readonly string[]): void {
  const byId = new Map(turns.map((turn) => [turn.messageId, turn]));
  const waiting = turns.filter(({ status, cancelId }) => status === 'parked' && cancelId === null);
  assert.deepEqual([...parked].sort(), waiting.map(({ messageId }) => messageId).sort());
  assert.ok(parked.length <= 4);
  for (const turn of turns) {
    const open = openAbove(turn, byId);
    if (turn.status === 'requested') assert.equal(open, null, `${turn.messageId} was asked for too early`);
    if (waiting.includes(turn)) assert.notEqual(open, null, `${turn.messageId} waits for nobody`);
  }
}

function openAbove({ parentId }: Turn, turns: ReadonlyMap<string, Turn>): string | null {
  const parent = parentId === null ? undefined : turns.get(parentId);
  if (parent === undefined) return null;
  return parent.status === 'ended' ? openAbove(parent, turns) : parent.messageId;
}

function pick<T>(items: readonly T[], index: number): T | undefined {
  return items[index % items.length];
}
