import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { decide } from '../../../../processors/prepare-turn/decide.ts';
import { PartitionState } from '../../../../processors/prepare-turn/shell/partition-state.ts';
import type { Conversation } from '../../../../processors/prepare-turn/state.ts';
import { openRowStore } from '../../../../storage/sqlite/row-store.ts';
import { aRuleSet, promptOf } from '../../../support/builders-prepare-turn.ts';
import {
  aFirstMessage,
  aMessage,
  CONVERSATION,
  inOrder,
  PARTITION,
  theMessage,
} from '../../../support/builders.ts';

const folder = mkdtempSync(join(tmpdir(), 'steno-rows-'));
const store = openRowStore(join(folder, 'prepare-turn.db'));
after(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Rows as version 0.1.0 wrote them, before messages could bring a history. Never changed: databases hold such rows. */
const OLD_ROWS = [
  {
    group: 'conv_old',
    key: '',
    value:
      '{"conversationId":"conv_old","tenantId":"tenant_a","head":"q1","parked":[],"systemPrompt":null,"clearedBefore":0,"erased":false}',
  },
  {
    group: 'conv_old',
    key: 't:q1',
    value:
      '{"messageId":"q1","inferenceId":"inf_q1","parentId":null,"role":"user","parts":[{"type":"text","text":{"text":"one","sealed":null,"keyId":null},"toolCall":null,"toolResult":null,"media":null}],"messageTokens":1,"answer":"first","answerTokens":2,"status":"ended","outcome":"completed","cancelId":null,"fence":0,"principal":"alice","transport":"websocket","parameters":{"maxTokens":100,"temperature":0,"topP":1,"seed":null,"stop":[]},"route":{"pool":"pool","tier":"interactive","model":"model","canaryBucket":5},"replyPartition":3,"deltasFrom":40,"configVersion":"config_1","bodyFingerprint":"f","promptHash":"p","submittedAt":1767225600000,"offset":0,"trace":null}',
  },
];

const rules = aRuleSet();

test('rows of the first version open: the conversation goes on, with a history or without', async () => {
  const position = { next: 2, lastEventId: '', topicId: 'topic' };
  assert.ok(await store.commit({ partition: PARTITION, start: null, position, puts: OLD_ROWS, deletes: [] }));
  const state = new PartitionState(store, PARTITION);
  await state.load(['conv_old']);
  const conversation = state.get('conv_old');
  assert.ok(conversation !== null);
  const prompt = ['user: one', 'assistant: first', 'user: two'];
  const ask = (preceding: readonly ReturnType<typeof theMessage>[]): ReturnType<typeof decide> =>
    decide(aMessage('q2', 'two', { conversationId: 'conv_old', preceding }), conversation, rules);
  assert.deepEqual(promptOf(ask([]).outputs), prompt);
  const history = [theMessage('user', 'one'), theMessage('assistant', 'first')];
  const { outputs, turns } = ask(history);
  assert.deepEqual(promptOf(outputs), prompt);
  assert.deepEqual([turns[0]?.parentId, turns[0]?.held, turns[0]?.preceding], ['q1', 2, []]);
});

test('what came with a message is read back as it was, and leaves the memory before it fills it', async () => {
  const state = new PartitionState(store, PARTITION);
  const preceding = [theMessage('user', 'x'.repeat(3_000_000)), theMessage('assistant', 'y')];
  const names = [CONVERSATION, 'conv_2'];
  const held: (Conversation | null)[] = [];
  for (const conversationId of names) {
    await state.load([conversationId]);
    const [event] = inOrder([aFirstMessage(`q-${conversationId}`, 'last', { conversationId, preceding })]);
    assert.ok(event !== undefined);
    state.apply(conversationId, decide(event, state.get(conversationId), rules));
    held.push(state.get(conversationId));
  }
  const puts = [...state.takeChanges().values()].flatMap(({ group, key, write }) =>
    write === null ? [] : [{ group, key, value: write() }],
  );
  const position = { next: 4, lastEventId: '', topicId: 'topic' };
  assert.ok(await store.commit({ partition: PARTITION, start: 2, position, puts, deletes: [] }));
  state.evict();
  assert.deepEqual(
    names.map((name) => state.get(name) === null),
    [true, false],
    'the older one left',
  );

  // Events wait for what is read: it stays until they are folded.
  await state.load([CONVERSATION]);
  state.evict();
  assert.deepEqual(state.get(CONVERSATION), held[0]);
  assert.notEqual(state.get('conv_2'), null);
  state.takeChanges();
  state.evict();
  assert.deepEqual(names.map((name) => state.get(name) === null).filter(Boolean).length, 1);
});
