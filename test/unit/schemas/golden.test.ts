import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkHistory, goldenFile } from '../../../schemas/golden.ts';
import type { AvroField, AvroRecord } from '../../../schemas/sources.ts';

const id: AvroField = { name: 'id', type: 'string', doc: 'Its name.' };
const note: AvroField = { name: 'note', type: ['null', 'string'], doc: 'A note.', default: null };

function event(...fields: readonly AvroField[]): AvroRecord {
  return { type: 'record', name: 'Sampled', namespace: 'steno.events', doc: 'A sample.', fields };
}

function released(...versions: readonly AvroRecord[]): readonly string[] {
  const history: string[] = [];
  for (const version of versions) history.push(goldenFile(version, history) ?? assert.fail('nothing new'));
  return history;
}

describe('the history of a schema', () => {
  it('takes a new field with a default, and a field with a default away', () => {
    const history = released(event(id), event(id, note));
    assert.deepEqual(checkHistory(event(id, note, { ...note, name: 'other' }), history), []);
    assert.deepEqual(checkHistory(event(id), history), []);
  });

  const breaking: readonly (readonly [string, AvroRecord])[] = [
    ['a new field without a default', event(id, { ...id, name: 'more' })],
    ['a removed field without a default', event(note)],
    ['a changed type', event({ ...id, type: 'int' })],
    ['a wider type, which old readers cannot read', event({ ...id, type: ['null', 'string'] })],
    ['a renamed field', event({ ...id, name: 'identity' }, note)],
    ['a renamed record', { ...event(id, note), name: 'Measured' }],
  ];
  for (const [what, schema] of breaking) {
    it(`refuses ${what}, and names the event and the version`, () => {
      const problems = checkHistory(schema, released(event(id, note)));
      assert.ok(problems.length > 0);
      assert.ok(problems.every((problem) => problem.includes(schema.name) && problem.includes('version 1')));
    });
  }

  it('is checked against every version, not only the last', () => {
    const history = released(event(id, { ...note, name: 'first' }), event(id));
    const clash = event(id, { name: 'first', type: 'int', doc: '', default: 0 });
    assert.deepEqual(
      checkHistory(clash, history).map((problem) => /version (\d)/.exec(problem)?.[1]),
      ['1', '1'],
    );
  });

  it('gets a new golden file for a new version only', () => {
    const history = released(event(id));
    assert.equal(goldenFile(event(id), history), null);
    assert.notEqual(goldenFile(event(id, note), history), null);
  });
});
