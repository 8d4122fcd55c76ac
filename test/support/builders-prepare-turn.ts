import assert from 'node:assert/strict';
import { applyDecision } from '../../processors/prepare-turn/apply-decision.ts';
import { decide } from '../../processors/prepare-turn/decide.ts';
import type { Decision, Rules } from '../../processors/prepare-turn/rules.ts';
import type { Conversation } from '../../processors/prepare-turn/state.ts';
import type { EventMap, EventType } from '../../schemas/generated/types.ts';
import type { LoggedEvent, NewEvent } from '../../streams/event.ts';
import { CONVERSATIONS, inOrder, PARTITION } from './builders.ts';

/** Rules with room for every prompt of a test that does not speak of room. */
export function aRuleSet(special: Partial<Rules> & { readonly contextLength?: number } = {}): Rules {
  const { contextLength = 10_000, ...rules } = special;
  return {
    models: new Map([['model', { contextLength, deadlineMillis: 120_000 }]]),
    maxCharacters: null,
    ttlMillis: null,
    topics: {
      conversations: CONVERSATIONS,
      deltas: 'inference-deltas.v1',
      turns: 'turns.v1',
      control: 'inference-control.v1',
      requests: (pool, tier) => `requests.${pool}.${tier}.v1`,
    },
    producer: { service: 'prepare-turn', version: '1.0.0' },
    conversationPartition: PARTITION,
    ...rules,
  };
}

/** An output by its type and the fields of its data that matter, each compared as a whole. */
export type Expected = {
  readonly [T in EventType]: { readonly type: T; readonly data?: Partial<EventMap[T]> };
}[EventType];

/** What a test sees after the event: what it led to, and the conversation before and after. */
export type Outcome = {
  readonly outputs: readonly NewEvent[];
  readonly decision: Decision;
  readonly before: Conversation | null;
  readonly after: Conversation | null;
};

type Then = Outcome & {
  /** Compares the outputs in order; returns what there is to see besides. */
  then(expected: readonly Expected[]): Outcome;
};

/** `given([events]).when(event).then([outputs])`: folds the log as prepare-turn does. */
export function given(
  log: readonly LoggedEvent[],
  rules: Rules = aRuleSet(),
): { when(event: LoggedEvent): Then } {
  return {
    when(event) {
      const before = fold(log, rules);
      const [placed = event] = inOrder([event], log.length);
      const decision = decide(placed, before, rules);
      const after = applyDecision(before, decision);
      const { outputs } = decision;
      const outcome = { outputs, decision, before, after };
      return {
        ...outcome,
        then(expected) {
          compareOutputs(outputs, expected);
          return outcome;
        },
      };
    },
  };
}

/** Returns the conversation that the log leaves. */
export function fold(log: readonly LoggedEvent[], rules: Rules = aRuleSet()): Conversation | null {
  return inOrder(log).reduce<Conversation | null>(
    (conversation, event) => applyDecision(conversation, decide(event, conversation, rules)),
    null,
  );
}

/** Returns the one output of the type. */
export function theOutput<T extends EventType>(
  outputs: readonly NewEvent[],
  type: T,
): Extract<NewEvent, { type: T }> {
  const found = outputs.filter((output): output is Extract<NewEvent, { type: T }> => output.type === type);
  const [first] = found;
  if (first === undefined || found.length > 1) {
    throw new Error(
      `expected one ${type}, got ${outputs.map((output) => output.type).join(', ') || 'nothing'}`,
    );
  }
  return first;
}

/** The prompt of a request, one line per message. */
export function promptOf(outputs: readonly NewEvent[]): readonly string[] {
  return theOutput(outputs, 'InferenceRequested').data.messages.map(
    ({ role, parts }) => `${role}: ${parts.map((part) => part.text?.text ?? part.type).join('')}`,
  );
}

function compareOutputs(outputs: readonly NewEvent[], expected: readonly Expected[]): void {
  assert.deepEqual(
    outputs.map((output) => output.type),
    expected.map((output) => output.type),
  );
  for (const [index, { type, data }] of expected.entries()) {
    const actual = new Map<string, unknown>(Object.entries(outputs[index]?.data ?? {}));
    for (const [name, value] of Object.entries(data ?? {})) {
      assert.deepEqual(actual.get(name), value, `${type}.${name}`);
    }
  }
}
