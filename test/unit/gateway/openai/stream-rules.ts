import assert from 'node:assert/strict';

/** What a stream said, told by rules that were written from the format and not from the encoder. */
export type Heard = {
  readonly text: string;
  readonly finishReason: string | null;
  readonly usage: Record<string, unknown> | null;
  readonly error: Record<string, unknown> | null;
  /** Values of the `id:` lines, in order. */
  readonly ids: readonly string[];
  readonly model: string | null;
};

type Event = { readonly data: string; readonly id: string | null };

/** Reads the bytes of a chat completion stream. Throws at the first rule that they break. */
export function readStream(body: string, asked: { includeUsage: boolean; resumable: boolean }): Heard {
  const events = eventsOf(body);
  const ids = events.flatMap(({ id }) => (id === null ? [] : [id]));
  if (!asked.resumable) assert.deepEqual(ids, [], 'ids only for those who ask');
  const datas = events.map(({ data }) => data);
  const last = datas.pop();
  assert.ok(last !== undefined, 'a stream is never empty');
  const isDone = last === '[DONE]';
  const error = isDone ? null : (JSON.parse(last) as { error: Record<string, unknown> }).error;
  if (error !== null) assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  assert.ok(!datas.includes('[DONE]'), '[DONE] comes once and last');

  const chunks = datas.map((data) => JSON.parse(data) as Chunk);
  let text = '';
  let finishReason: string | null = null;
  let usage: Record<string, unknown> | null = null;
  for (const [index, chunk] of chunks.entries()) {
    assert.ok(!('error' in chunk), 'an error is the last event');
    assert.equal(chunk.object, 'chat.completion.chunk');
    assert.match(chunk.id, /^chatcmpl-\w+$/);
    for (const field of ['id', 'created', 'model'] as const)
      assert.equal(chunk[field], chunks[0]?.[field], field);
    assert.equal(usage, null, 'nothing follows the usage');
    if (chunk.choices.length === 0) {
      assert.ok(asked.includeUsage && finishReason !== null && typeof chunk.usage === 'object');
      usage = chunk.usage;
      continue;
    }
    assert.equal(finishReason, null, 'no choice follows the last');
    if (asked.includeUsage) assert.equal(chunk.usage, null);
    else assert.ok(!('usage' in chunk));
    const [choice, ...more] = chunk.choices;
    assert.ok(choice !== undefined && more.length === 0);
    assert.deepEqual(Object.keys(choice).sort(), ['delta', 'finish_reason', 'index', 'logprobs']);
    assert.equal(choice.index, 0);
    if (index === 0) assert.deepEqual(choice.delta, { role: 'assistant', content: '' });
    else if (choice.finish_reason === null) {
      assert.deepEqual(Object.keys(choice.delta), ['content']);
      text += choice.delta.content ?? '';
    } else {
      assert.deepEqual(choice.delta, {});
      assert.ok(['stop', 'length', 'tool_calls', 'content_filter'].includes(choice.finish_reason));
      finishReason = choice.finish_reason;
    }
  }
  if (isDone) {
    assert.ok(finishReason !== null, '[DONE] follows an end');
    assert.equal(usage !== null, asked.includeUsage);
  } else assert.equal(finishReason, null, 'a failed answer has no end');
  return { text, finishReason, usage, error, ids, model: chunks[0]?.model ?? null };
}

type Chunk = {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly delta: { readonly content?: string };
    readonly logprobs: null;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: Record<string, unknown> | null;
};

/** Cuts a stream into events as the standard has it, and refuses what breaks an SDK. */
function eventsOf(body: string): readonly Event[] {
  assert.ok(!body.includes('\r'), 'lines end with \\n alone');
  assert.ok(body.endsWith('\n\n'), 'the last event is closed');
  const events: Event[] = [];
  let data: string | null = null;
  let id: string | null = null;
  let before = '';
  for (const line of body.slice(0, -1).split('\n')) {
    if (line === '') {
      assert.ok(!before.startsWith(':'), 'a blank line after a comment is an empty event');
      assert.ok(data !== null, 'no event is empty');
      events.push({ data, id });
      [data, id] = [null, null];
    } else if (line.startsWith('data: ')) {
      assert.equal(data, null, 'the data of an event is one line');
      data = line.slice(6);
    } else if (line.startsWith('id: ')) id = line.slice(4);
    else assert.ok(line === ':', `a line that is neither data, id nor a heartbeat: ${line.slice(0, 40)}`);
    before = line;
  }
  assert.equal(data, null);
  return events;
}
