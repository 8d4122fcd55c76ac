import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { commitStep } from '../../../../projections/commit-step.ts';
import { foldAll } from '../../../../projections/conversations/fold.ts';
import { conversations } from '../../../../projections/conversations/index.ts';
import { foldHash, stateHash } from '../../../../projections/conversations/state-hash.ts';
import { openConversationTable } from '../../../../projections/conversations/table.ts';
import { openDatabase } from '../../../../storage/sqlite/open-database.ts';
import type { LoggedEvent } from '../../../../streams/event.ts';
import { theMessage } from '../../../support/builders.ts';
import { about, logged, message, plain } from '../conversation-events.ts';

const folder = mkdtempSync(join(tmpdir(), 'steno-fold-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Between two events there is room for repeats, so that an event keeps its offset with and without them. */
const STRIDE = 100;

const CONTEXT = { entries: [], budgetTokens: 1, promptTokens: 1, tokenCounter: '', hash: '' };

type Act = {
  readonly conversation: number;
  readonly kind: number;
  readonly target: number;
  readonly detail: number;
};

const act: fc.Arbitrary<Act> = fc.record({
  conversation: fc.nat(2),
  kind: fc.nat(14),
  target: fc.nat(9),
  detail: fc.nat(3),
});

/**
 * A log as gateways, prepare-turn and workers may write it: messages that do not join are rejected right after, what
 * changes a conversation comes after it began. Ends, fences, tenants and erasures come as they like.
 */
function history(acts: readonly Act[]): LoggedEvent[] {
  const events: LoggedEvent[] = [];
  const begun = new Map<string, string[]>();
  acts.forEach(({ conversation, kind, target, detail }, index) => {
    const conversationId = `conversation-${conversation}`;
    const messages = begun.get(conversationId) ?? [];
    const ids = { conversationId, principal: `principal-${detail}` };
    const one = messages[target % Math.max(1, messages.length)];
    const eventId = `event-${index}`;
    if (one === undefined || kind < 4) {
      const id = `${conversationId}-message-${index}`;
      begun.set(conversationId, [...messages, id]);
      const beside = kind === 3 && one !== undefined ? { kind: 'edit' as const, targetId: one } : {};
      const preceding = [theMessage('user', `Before ${index}`), theMessage('assistant', 'Yes.')].slice(
        0,
        detail,
      );
      const metadata = detail === 0 ? {} : { detail: String(detail), index: String(index) };
      const brought = { preceding, metadata };
      events.push(message(id, { ...ids, ...beside, ...brought, isNew: messages.length === 0 }));
      return;
    }
    const foreign = { ...ids, tenantId: 'tenant-2' };
    const attempt = 1 + detail;
    if (kind === 4) {
      const id = `${conversationId}-foreign-${index}`;
      events.push(message(id, foreign), about('MessageRejected', id, eventId, foreign));
    } else if (kind === 5) events.push(about('MessageRejected', one, eventId, ids));
    else if (kind === 6) events.push(about('AttemptStarted', one, eventId, { conversationId, attempt }));
    else if (kind <= 8) {
      const context = { ...CONTEXT, parentId: messages[detail] ?? null, precedingHeld: detail };
      events.push(about('InferenceCompleted', one, eventId, { conversationId, attempt, context }));
    } else if (kind === 9) events.push(about('InferenceFailed', one, eventId, { conversationId, attempt }));
    else if (kind <= 11) events.push(about('FeedbackGiven', one, eventId, { ...ids, thumb: detail - 1 }));
    else if (kind === 12) {
      const pins = [{ messageId: one, pinned: detail > 1 }];
      events.push(logged('ConversationChanged', { ...ids, eventId, title: plain(`Title ${index}`), pins }));
    } else if (kind === 13) events.push(about('InferenceCompleted', one, eventId, { ...foreign, attempt }));
    else if (detail === 0) events.push(logged('ConversationErased', { ...ids, eventId }));
    else if (detail === 1)
      events.push(logged('SubjectErased', { ...ids, eventId, subjectId: 'principal-1' }));
    else events.push(logged('ConversationErased', { ...foreign, eventId }));
  });
  return events.map((event, index) => ({ ...event, offset: index * STRIDE, time: 1_000 + index * STRIDE }));
}

/** The log with some events appended again, each somewhere after the first time. */
function withRepeats(
  events: readonly LoggedEvent[],
  repeats: readonly (readonly [number, number])[],
): LoggedEvent[] {
  const copies = repeats.slice(0, STRIDE - 1).flatMap(([which, later], index) => {
    const original = events[which % Math.max(1, events.length)];
    if (original === undefined) return [];
    const offset = Math.min(original.offset + later * STRIDE, (events.length - 1) * STRIDE) + index + 1;
    return [{ ...original, offset, time: 1_000 + offset }];
  });
  return [...events, ...copies].sort((a, b) => a.offset - b.offset);
}

const acts = fc.array(act, { minLength: 1, maxLength: 40 });
const repeats = fc.array(fc.tuple(fc.nat(60), fc.nat(20)), { maxLength: 20 });

test('repeats of any event, anywhere later, give the same rows', () => {
  fc.assert(
    fc.property(acts, repeats, (made, again) => {
      const events = history(made);
      assert.equal(foldHash(foldAll(withRepeats(events, again))), foldHash(foldAll(events)));
    }),
    { numRuns: 3_000 },
  );
});

test('any cut into batches, with repeats, gives in the database what folding the log at once gives', () => {
  let run = 0;
  fc.assert(
    fc.property(
      acts,
      repeats,
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 20 }),
      (made, again, cuts) => {
        const events = history(made);
        const database = openDatabase(join(folder, `${(run += 1)}.db`));
        try {
          const projection = conversations.open(database);
          const log = withRepeats(events, again);
          let position = { next: 0, lastEventId: '', topicId: 'topic-1' };
          assert.ok(projection.positions.advance(0, null, position));
          for (let step = 0; position.next < STRIDE * events.length; step += 1) {
            const rest = log.filter(({ offset }) => offset >= position.next);
            const end = STRIDE * events.length;
            const most = cuts[step % cuts.length] ?? 1;
            const done = commitStep({
              database,
              projection,
              partition: 0,
              position,
              events: rest,
              end,
              most,
              mostMillis: 5,
            });
            assert.ok(done.result === 'done' && done.poison === null);
            position = { ...done.position };
          }
          const table = openConversationTable(database);
          assert.equal(stateHash(table), foldHash(foldAll(events)));
          assert.equal(stateHash(table, 0), stateHash(table));
        } finally {
          database.close();
        }
      },
    ),
    { numRuns: 150 },
  );
});
