import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { createTree, leafHash, pathOf, rootByPath } from '../../../../replay/audit/chain/merkle.ts';
import type { RawRecord } from '../../../../streams/log.ts';
import { madeRecord } from '../../../support/audited-log.ts';
import { seededRandom } from '../../../support/random.ts';

const leafOf = (hex: string): Buffer => hash('sha256', Buffer.from(`00${hex}`, 'hex'), 'buffer');

/** Inputs and roots that the Certificate Transparency projects test their trees with. */
const INPUTS = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

test('roots are those of Certificate Transparency', () => {
  const tree = createTree();
  assert.equal(tree.root().toString('hex'), ROOTS[0]);
  for (const [index, input] of INPUTS.entries()) {
    tree.add(leafOf(input));
    assert.equal(tree.root().toString('hex'), ROOTS[index + 1], `${index + 1} leaves`);
  }
});

test('each path leads from its leaf to the root, and from no other leaf or place', () => {
  const random = seededRandom(1);
  for (let size = 1; size <= 33; size += 1) {
    const leaves = Array.from({ length: size }, (_, offset) => leafHash(madeRecord(random, 0, offset)));
    const tree = createTree();
    for (const leaf of leaves) tree.add(leaf);
    for (const [index, leaf] of leaves.entries()) {
      const path = pathOf(leaves, index);
      assert.ok(rootByPath(leaf, index, size, path)?.equals(tree.root()), `${index} of ${size}`);
      const other = leaves[(index + 1) % size] ?? leaf;
      if (size > 1) assert.ok(rootByPath(other, index, size, path)?.equals(tree.root()) !== true);
      assert.ok(rootByPath(leaf, index + 1, size, path)?.equals(tree.root()) !== true);
    }
  }
});

test('every part of a record is in its leaf, and no two records share one by where a part ends', () => {
  const record: RawRecord = {
    ...{ topic: 'a', partition: 1, offset: 2, timestamp: 3, key: Buffer.from('k'), value: Buffer.from('v') },
    headers: [['h', Buffer.from('x')]],
  };
  const variants: readonly RawRecord[] = [
    record,
    { ...record, topic: 'b' },
    { ...record, partition: 2 },
    { ...record, offset: 3 },
    { ...record, timestamp: 4 },
    { ...record, key: null },
    { ...record, key: Buffer.from('') },
    { ...record, key: Buffer.from('kv'), value: Buffer.from('') },
    { ...record, value: null },
    { ...record, headers: [] },
    { ...record, headers: [['hx', Buffer.from('')]] },
    {
      ...record,
      headers: [
        ['h', Buffer.from('x')],
        ['h', Buffer.from('x')],
      ],
    },
  ];
  assert.equal(new Set(variants.map((each) => leafHash(each).toString('hex'))).size, variants.length);
});
