import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConfigHistory, versionBefore } from '../../../../policies/configuration/history.ts';
import type { ConfigKind, EventMap } from '../../../../schemas/generated/types.ts';

type Changed = {
  readonly type: 'ConfigChanged';
  readonly data: EventMap['ConfigChanged'];
  readonly time: number;
};

let ids = 0;
function changed(version: string, replaces: string | null, kind: ConfigKind = 'routes'): Changed {
  ids += 1;
  const eventId = `evt_${ids}`;
  const data = {
    ...{
      eventId,
      occurredAt: 0,
      causationId: 'c',
      correlationId: 'c',
      producer: { service: 't', version: '1' },
    },
    ...{ tenantId: '', actor: 'test', kind, version, replaces, document: '{}', changes: [], reason: '' },
    restores: null,
  };
  return { type: 'ConfigChanged', data, time: ids };
}

test('of two who change the same version the first holds, for every reader; repeats change nothing', () => {
  const history = createConfigHistory();
  assert.equal(history.current('routes'), null);
  const first = changed('aaaa', null);
  assert.equal(history.apply(first)?.holds, true);
  assert.equal(history.apply(first), null);
  assert.equal(history.apply(changed('bbbb', 'aaaa'))?.holds, true);
  assert.equal(history.apply(changed('cccc', 'aaaa'))?.holds, false);
  assert.equal(history.apply(changed('dddd', null))?.holds, false);
  assert.equal(history.apply(changed('mmmm', null, 'models'))?.holds, true);
  assert.deepEqual(
    [history.current('routes')?.version, history.current('models')?.version, history.current('OTHER')],
    ['bbbb', 'mmmm', null],
  );
  assert.deepEqual(
    history.entries().map(({ version, holds }) => [version, holds]),
    [
      ['aaaa', true],
      ['bbbb', true],
      ['cccc', false],
      ['dddd', false],
      ['mmmm', true],
    ],
  );
});

test('a rollback goes to the version before, or to one that is named by its first digits', () => {
  const history = createConfigHistory();
  for (const [version, replaces] of [
    ['abc1', null],
    ['abd2', 'abc1'],
    ['void', 'abc1'],
    ['efg3', 'abd2'],
  ] as const)
    history.apply(changed(version, replaces));
  const back = (named: string | null): string | null =>
    versionBefore(history, 'routes', named)?.version ?? null;
  assert.equal(back(null), 'abd2');
  assert.equal(back('abc'), 'abc1');
  assert.equal(back('ab'), null, 'fits two');
  assert.equal(back('void'), null, 'never held');
  assert.equal(back(''), null);
  history.apply(changed('abd2', 'efg3'));
  assert.equal(back(null), 'efg3', 'back and forth');
  assert.equal(versionBefore(createConfigHistory(), 'routes', null), null);
});
