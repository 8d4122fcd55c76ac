import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyFilter } from '../../../projections/key-filter.ts';
import { deriveId } from '../../../streams/ids.ts';

test('every key that was added may be there, and hardly any other', () => {
  const filter = createKeyFilter();
  const ids = Array.from({ length: 20_000 }, (_, index) => deriveId('inf', index));
  for (const id of ids) filter.add(id);
  assert.ok(ids.every((id) => filter.mayHave(id)));
  const others = Array.from({ length: 20_000 }, (_, index) => deriveId('inf', `another ${index}`));
  assert.ok(others.filter((id) => filter.mayHave(id)).length < 20);
});
