import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { it } from 'node:test';
import { datasets } from '../../../streams/topics.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

it('projections fold only topics that are kept forever', () => {
  const files = globSync('projections/**/*.ts', { cwd: root });
  const used = new Set(
    files.flatMap((file) =>
      [...readFileSync(root + file, 'utf8').matchAll(/\bdatasets\.(\w+)/g)].map(([, name]) => name),
    ),
  );
  // Not folded: where a projection puts what it cannot fold.
  used.delete('deadLetters');
  assert.ok(used.size > 0);
  for (const name of used) {
    assert.ok(name !== undefined && name in datasets, name);
    assert.equal(datasets[name as keyof typeof datasets].retention.kind, 'forever', name);
  }
});
