import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projections } from '../../../projections/catalogue.ts';
import type { LoggedEvent } from '../../../streams/event.ts';
import { generateLog } from '../../support/generate-log.ts';

const topics = { conversations: 'conversations', turns: 'turns' };

for (const definition of projections) {
  test(`the fold of ${definition.name} never looks at what a rebuild does not decode`, () => {
    const log: LoggedEvent[] = [];
    for (const event of generateLog({ seed: 5, events: 3_000, topics })) {
      if (event.topic !== definition.dataset.name) continue;
      // The pair of type and data stays together; TypeScript loses it in the spread.
      log.push({ ...event, partition: 0, offset: log.length, time: log.length, trace: null });
    }
    const leanLog = log.map((event) => ({
      ...event,
      data: without(event.data, definition.unread[event.type] ?? []),
    }));
    assert.equal(definition.foldHash(leanLog as LoggedEvent[]), definition.foldHash(log));
  });
}

/** The data, which throws when somebody reads one of these fields. */
function without(data: LoggedEvent['data'], fields: readonly string[]): LoggedEvent['data'] {
  return new Proxy(data, {
    get(target, name, receiver) {
      assert.ok(typeof name === 'symbol' || !fields.includes(name), `the fold reads ${String(name)}`);
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
}
