import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnswerCache, type AnswerCache } from '../../../inference-workers/answer-cache.ts';
import { writeCached, type Writer } from '../../../inference-workers/cached-answer.ts';

const base = {
  ...{ eventId: 'e', occurredAt: 1, causationId: 'c', correlationId: 'c', tenantId: 'acme' },
  producer: { service: 'test', version: '1' },
};

function cached(text: string, time: number, fields: { tenantId?: string; promptHash?: string } = {}) {
  return {
    type: 'AnswerCached' as const,
    time,
    data: {
      ...{ ...base, conversationId: 'conv', inferenceId: 'inf', model: 'm', promptHash: 'p' },
      ...{ content: { text, sealed: null, keyId: null }, deltaBytes: [Buffer.byteLength(text)] },
      ...{ finishReason: 'stop' as const, promptTokens: 5, completionTokens: 7 },
      ...fields,
    },
  };
}

function cleared(time: number, model: string | null = null, tenantId = 'acme') {
  return { type: 'CacheCleared' as const, time, data: { ...base, tenantId, actor: 'cli:ann', model } };
}

function textOf(cache: AnswerCache, now = 100, maxAge = 1_000, tenantId = 'acme'): string | null {
  return cache.find(tenantId, 'p', now, maxAge)?.content.text ?? null;
}

test('the latest answer to a prompt is given again while it is young enough', () => {
  const cache = createAnswerCache(1e6);
  cache.apply(cached('one', 10));
  cache.apply(cached('two', 20));
  cache.apply(cached('from another partition, older', 15));
  assert.equal(textOf(cache), 'two');
  assert.equal(textOf(cache, 1_020), 'two');
  assert.equal(textOf(cache, 1_021), null);
  assert.equal(cache.find('acme', 'another', 100, 1_000), null);
});

test('a tenant is never given another one’s', () => {
  const cache = createAnswerCache(1e6);
  cache.apply(cached('theirs', 10, { tenantId: 'other' }));
  assert.equal(textOf(cache), null);
  // Two pairs that would be one if their names were merely joined.
  cache.apply(cached('mine', 10, { tenantId: 'a', promptHash: 'bp' }));
  assert.equal(cache.find('ab', 'p', 10, 1_000), null);
});

test('what was cleared is not given again, whichever came first here; what came after is', () => {
  for (const model of [null, 'm']) {
    const cache = createAnswerCache(1e6);
    cache.apply(cached('before', 10));
    cache.apply(cleared(20, model));
    assert.equal(textOf(cache), null);
    cache.apply(cached('late, but from before', 15));
    assert.equal(textOf(cache), null);
    cache.apply(cached('after', 21));
    assert.equal(textOf(cache), 'after');
  }
  const cache = createAnswerCache(1e6);
  cache.apply(cached('kept', 10));
  cache.apply(cleared(20, 'another model'));
  cache.apply(cleared(20, null, 'another tenant'));
  assert.equal(textOf(cache), 'kept');
});

test('it holds so much and no more: what was not asked for longest goes first', () => {
  const cache = createAnswerCache(5_000);
  for (const promptHash of ['a', 'b', 'c']) cache.apply(cached('x'.repeat(100), 10, { promptHash }));
  assert.ok(cache.find('acme', 'a', 10, 1_000) !== null);
  cache.apply(cached('x'.repeat(800), 10, { promptHash: 'd' }));
  assert.equal(cache.find('acme', 'b', 10, 1_000), null);
  assert.ok(cache.find('acme', 'a', 10, 1_000) !== null);
  assert.ok(cache.bytes <= 5_000);
  cache.apply(cached('x'.repeat(9_000), 10, { promptHash: 'larger than all of it' }));
  assert.equal(cache.bytes, 0);
});

test('it is written in the pieces that it came in, its tokens shared out', () => {
  const { data } = cached('größer als', 1);
  const { pieces, writer } = writerAfter('');
  const { counts } = writeCached({ ...data, deltaBytes: [8, 1, 3] }, writer);
  assert.deepEqual(
    pieces.map(([text]) => text),
    ['größer', ' ', 'als'],
  );
  assert.equal(
    pieces.reduce((sum, [, tokens]) => sum + tokens, 0),
    7,
  );
  assert.deepEqual(counts, { promptTokens: 5, completionTokens: 7, cachedTokens: 5 });
  const other = writerAfter('');
  writeCached({ ...data, deltaBytes: [1, 2] }, other.writer);
  assert.deepEqual(other.pieces, [['größer als', 7]], 'pieces that are not all of it');
});

test('where somebody began it, it goes on; other text is taken back', () => {
  const { data } = cached('größer als', 1);
  const begun = writerAfter('größe');
  writeCached({ ...data, deltaBytes: [8, 1, 3] }, begun.writer);
  assert.deepEqual([begun.pieces.map(([text]) => text), begun.resets()], [['r', ' ', 'als'], 0]);
  const whole = writerAfter('größer als');
  writeCached({ ...data, deltaBytes: [8, 1, 3] }, whole.writer);
  assert.deepEqual([whole.pieces, whole.resets()], [[], 0]);
  const other = writerAfter('kleiner');
  writeCached({ ...data, deltaBytes: [8, 1, 3] }, other.writer);
  assert.deepEqual([other.pieces.map(([text]) => text).join(''), other.resets()], ['größer als', 1]);
});

function writerAfter(text: string): {
  readonly pieces: [string, number][];
  readonly writer: Writer;
  readonly resets: () => number;
} {
  const pieces: [string, number][] = [];
  let written = text;
  let resets = 0;
  const writer: Writer = {
    write: (piece, tokens) => void pieces.push([piece, tokens]),
    get written() {
      return written;
    },
    reset() {
      written = '';
      resets += 1;
    },
  };
  return { pieces, writer, resets: () => resets };
}
