import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Position, RowStore, StoredRow } from '../../storage/row-store.ts';

/** Opens another handle on the same store; `name` tells stores apart. */
export type OpenRowStore = (name: string) => Promise<RowStore>;

export function aPosition(next: number, overrides: Partial<Position> = {}): Position {
  return { next, lastEventId: `evt_${next}`, topicId: 'topic-1', ...overrides };
}

export function aRow(group: string, key: string, value = '{}'): StoredRow {
  return { group, key, value };
}

/** What every row store promises; run against each of them. */
export function rowStoreContract(name: string, open: OpenRowStore): void {
  describe(`${name} keeps the row store contract`, () => {
    let store: RowStore;
    let other: RowStore;
    before(async () => {
      store = await open('contract');
      other = await open('contract');
    });
    after(async () => {
      await store.close();
      await other.close();
    });

    test('begins without positions and rows', async () => {
      assert.equal(await store.position(99), null);
      assert.equal((await store.load(['nobody'])).size, 0);
    });

    test('rows and position of a commit are read back, groups in key order', async () => {
      const puts = [aRow('g1', 'b', '2'), aRow('g1', 'a', '1'), aRow('g2', 'a', '3')];
      assert.equal(
        await store.commit({ partition: 0, start: null, position: aPosition(5), puts, deletes: [] }),
        true,
      );
      assert.deepEqual(await store.position(0), aPosition(5));
      const rows = await store.load(['g1', 'g2', 'g3']);
      assert.deepEqual([...rows.keys()], ['g1', 'g2']);
      assert.deepEqual(rows.get('g1'), [aRow('g1', 'a', '1'), aRow('g1', 'b', '2')]);
    });

    test('a put replaces, a delete removes, a key deleted and put is there', async () => {
      const first = [aRow('p1', 'a', 'old'), aRow('p1', 'b'), aRow('p1', 'c', 'old')];
      await store.commit({ partition: 1, start: null, position: aPosition(1), puts: first, deletes: [] });
      const puts = [aRow('p1', 'a', 'new'), aRow('p1', 'c', 'new')];
      const deletes = [
        { group: 'p1', key: 'b' },
        { group: 'p1', key: 'c' },
        { group: 'p1', key: 'never' },
      ];
      assert.equal(
        await store.commit({ partition: 1, start: 1, position: aPosition(2), puts, deletes }),
        true,
      );
      assert.deepEqual((await store.load(['p1'])).get('p1'), puts);
    });

    test('of two handles that start from one position, one wins and the other changes nothing', async () => {
      const commit = (next: number, value: string) => ({
        partition: 2,
        start: null,
        position: aPosition(next),
        puts: [aRow('race', 'a', value)],
        deletes: [],
      });
      assert.equal(await store.commit(commit(3, 'winner')), true);
      assert.equal(
        await other.commit({ ...commit(9, 'loser'), deletes: [{ group: 'race', key: 'a' }] }),
        false,
      );
      assert.equal(await other.commit({ ...commit(9, 'loser'), start: 2 }), false);
      assert.deepEqual(await other.position(2), aPosition(3));
      assert.deepEqual((await other.load(['race'])).get('race'), [aRow('race', 'a', 'winner')]);
      assert.equal(await other.commit({ ...commit(4, 'next'), start: 3 }), true);
      assert.deepEqual((await store.load(['race'])).get('race'), [aRow('race', 'a', 'next')]);
    });

    test('a start where there is no position is a lost race', async () => {
      const lost = { partition: 3, start: 7, position: aPosition(8), puts: [aRow('lost', 'a')], deletes: [] };
      assert.equal(await store.commit(lost), false);
      assert.equal((await store.load(['lost'])).size, 0);
      assert.equal(await store.position(3), null);
    });

    test('a commit that throws leaves nothing', async () => {
      // No adapter can store a row without a value.
      const broken = { group: 'broken', key: 'b' } as unknown as StoredRow;
      const puts = [aRow('broken', 'a'), broken];
      await assert.rejects(
        store.commit({ partition: 4, start: null, position: aPosition(1), puts, deletes: [] }),
      );
      assert.equal(await store.position(4), null);
      assert.equal((await store.load(['broken'])).size, 0);
      assert.equal(
        await store.commit({
          partition: 4,
          start: null,
          position: aPosition(1),
          puts: [aRow('whole', 'a')],
          deletes: [],
        }),
        true,
      );
    });

    test('commits made without waiting take effect in order', async () => {
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          store.commit({
            partition: 5,
            start: index === 0 ? null : index,
            position: aPosition(index + 1),
            puts: [aRow('order', 'last', String(index))],
            deletes: [],
          }),
        ),
      );
      assert.ok(results.every(Boolean));
      assert.deepEqual((await store.load(['order'])).get('order'), [aRow('order', 'last', '49')]);
    });

    test('unicode and a megabyte come back as they went in', async () => {
      const odd = ['ключ', '鍵🗝️', 'it\'s "quoted"', 'a\u0000b', ''];
      const puts = [
        ...odd.map((text) => aRow('unicode 🌍', text, JSON.stringify({ text: `${text} – naïve \u0000 👩‍👩‍👧` }))),
        aRow('unicode 🌍', 'big', 'ж'.repeat(512 * 1024)),
      ];
      await store.commit({ partition: 6, start: null, position: aPosition(1), puts, deletes: [] });
      const rows = (await other.load(['unicode 🌍'])).get('unicode 🌍') ?? [];
      assert.deepEqual(
        new Map(rows.map((row) => [row.key, row.value])),
        new Map(puts.map((row) => [row.key, row.value])),
      );
      const keys = rows.map((row) => Buffer.from(row.key));
      assert.deepEqual(
        keys,
        [...keys].sort((a, b) => Buffer.compare(a, b)),
      );
    });

    test('a reset forgets one partition and the rows that it put', async () => {
      for (const partition of [7, 8]) {
        const puts = [aRow(`reset-${partition}`, 'a')];
        await store.commit({ partition, start: null, position: aPosition(1), puts, deletes: [] });
      }
      await store.reset(7);
      assert.equal(await store.position(7), null);
      assert.deepEqual(await store.position(8), aPosition(1));
      assert.deepEqual([...(await store.load(['reset-7', 'reset-8'])).keys()], ['reset-8']);
    });

    test('a store opened again has everything', async () => {
      const first = await open('reopened');
      await first.commit({
        partition: 0,
        start: null,
        position: aPosition(4),
        puts: [aRow('kept', 'a', 'x')],
        deletes: [],
      });
      await first.close();
      const second = await open('reopened');
      assert.deepEqual(await second.position(0), aPosition(4));
      assert.deepEqual((await second.load(['kept'])).get('kept'), [aRow('kept', 'a', 'x')]);
      await second.close();
    });
  });
}
