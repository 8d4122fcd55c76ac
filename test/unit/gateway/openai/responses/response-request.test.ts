import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  responseRequest,
  wantedResponseOf,
} from '../../../../../gateway/openai/responses/response-request.ts';
import { validate } from '../../../../../gateway/parse.ts';
import { problemOf, type Problem } from '../../../../../gateway/problems.ts';
import { textOf } from '../../../../../streams/parts.ts';

function wanted(fields: Record<string, unknown> = {}): ReturnType<typeof wantedResponseOf> {
  return wantedResponseOf(validate(responseRequest, { model: 'm', input: 'hi', ...fields }));
}

function refusal(fields: Record<string, unknown>): Problem {
  try {
    wanted(fields);
  } catch (error) {
    return problemOf(error);
  }
  throw new Error(`was taken: ${JSON.stringify(fields)}`);
}

test('a text is a message, and nothing precedes it', () => {
  const { submission, previous, stream, background } = wanted();
  const { text, preceding, instructions, conversationId, model, subjectId } = submission;
  assert.deepEqual(
    [text, preceding, instructions, conversationId, model, subjectId],
    ['hi', [], null, null, 'm', null],
  );
  assert.deepEqual([previous, stream, background], [null, false, false]);
});

test('of messages the last is said, and those before precede it; what an answer gave back is one', () => {
  const output = {
    id: 'msg_1',
    type: 'message',
    status: 'completed',
    role: 'assistant',
    content: [{ type: 'output_text', text: 'said', annotations: [], logprobs: [] }],
  };
  const input = [
    { role: 'developer', content: 'be brief' },
    { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'first' }] },
    output,
    {
      role: 'user',
      content: [
        { type: 'input_text', text: 'sec' },
        { type: 'input_text', text: 'ond' },
      ],
    },
  ];
  const { submission } = wanted({ input });
  assert.equal(submission.text, 'second');
  assert.deepEqual(
    submission.preceding.map(({ role, parts }) => [role, textOf(parts)]),
    [
      ['system', 'be brief'],
      ['user', 'first'],
      ['assistant', 'said'],
    ],
  );
});

test('what shapes the answer is taken over; an empty instruction is none', () => {
  const { submission, previous, stream, background } = wanted({
    instructions: 'in French',
    max_output_tokens: 9,
    temperature: 0.1,
    top_p: 0.2,
    metadata: { a: 'b' },
    user: 'eve',
    safety_identifier: 'mallory',
    previous_response_id: 'resp_1',
    stream: true,
    background: true,
  });
  const { instructions, maxTokens, temperature, topP, metadata, subjectId } = submission;
  assert.deepEqual([instructions, maxTokens, temperature, topP], ['in French', 9, 0.1, 0.2]);
  assert.deepEqual([metadata, subjectId], [{ a: 'b' }, 'mallory']);
  assert.deepEqual([previous, stream, background], ['resp_1', true, true]);
  assert.equal(wanted({ instructions: '' }).submission.instructions, null);
});

test('a conversation is named by its id or as an object, and holds what was said before', () => {
  assert.equal(wanted({ conversation: 'conv_1' }).submission.conversationId, 'conv_1');
  assert.equal(wanted({ conversation: { id: 'conv_1' } }).submission.conversationId, 'conv_1');
  const input = ['a', 'b'].map((content) => ({ role: 'user', content }));
  assert.equal(refusal({ conversation: 'conv_1', input }).param, 'input');
  assert.equal(
    refusal({ conversation: 'conv_1', previous_response_id: 'resp_1' }).param,
    'previous_response_id',
  );
});

const refused: readonly (readonly [string, Record<string, unknown>])[] = [
  ['input', { input: undefined }],
  ['input', { input: null }],
  ['input', { input: 7 }],
  ['input', { input: '' }],
  ['input', { input: [] }],
  ['input[0].role', { input: [{ role: 'tool', content: 'x' }] }],
  ['input[0].role', { input: [{ role: 'assistant', content: 'x' }] }],
  ['input[0].type', { input: [{ type: 'reasoning', summary: [] }] }],
  ['input[0].type', { input: [{ type: 'item_reference', id: 'x' }] }],
  ['input[0].content', { input: [{ role: 'user', content: [{ type: 'input_audio' }] }] }],
  ['input[0].content', { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }] }],
  ['input[0].content', { input: [{ role: 'user', content: '' }] }],
  ['text.format.type', { text: { format: { type: 'xml' } } }],
  ['text.format.schema', { text: { format: { type: 'json_schema', name: 'a' } } }],
  [
    'text.format.schema.properties.a.pattern',
    {
      text: {
        format: {
          type: 'json_schema',
          name: 'a',
          schema: { type: 'object', properties: { a: { pattern: 'x' } } },
        },
      },
    },
  ],
  ['tools[0].type', { tools: [{ type: 'web_search' }] }],
  ['tool_choice', { tools: [{ type: 'function', name: 'f' }], tool_choice: { type: 'function', name: 'g' } }],
  ['input[0].call_id', { input: [{ type: 'function_call_output', output: 'x' }] }],
  [
    'input[1].type',
    {
      input: [
        { role: 'user', content: 'x' },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
      ],
    },
  ],
  ['input[0].name', { input: [{ type: 'function_call', call_id: 'c', arguments: '{}' }] }],
  ['text.format', { tools: [{ type: 'function', name: 'f' }], text: { format: { type: 'json_object' } } }],
  ['tool_choice', { tool_choice: 'required' }],
  ['include[0]', { include: ['message.output_text.logprobs'] }],
  ['store', { store: false }],
  ['truncation', { truncation: 'disabled' }],
  ['n', { n: 2 }],
  ['prompt', { prompt: { id: 'p' } }],
  ['top_logprobs', { top_logprobs: 3 }],
  ['modalities', { modalities: ['audio'] }],
  ['audio', { audio: {} }],
  ['response_format', { response_format: { type: 'json_object' } }],
  ['messages', { messages: [] }],
  ['moderation', { moderation: { model: 'm' } }],
  ['context_management', { context_management: [{ type: 'compaction' }] }],
  ['max_output_tokens', { max_output_tokens: 0 }],
  ['conversation', { conversation: 'no id at all' }],
];
for (const [param, fields] of refused) {
  test(`refuses ${JSON.stringify(fields)} and names ${param}`, () => {
    const problem = refusal(fields);
    assert.deepEqual([problem.status, problem.param], [400, param]);
  });
}

test('what changes nothing is taken, and what nobody knows is left aside', () => {
  wanted({
    store: true,
    truncation: 'auto',
    tools: [],
    tool_choice: 'auto',
    n: 1,
    text: { format: { type: 'text' }, verbosity: 'low' },
    include: ['reasoning.encrypted_content', 'file_search_call.results'],
    top_logprobs: 0,
    reasoning: { effort: 'low' },
    service_tier: 'auto',
    prompt_cache_key: 'k',
    parallel_tool_calls: true,
    model: null,
    conversation: null,
    previous_response_id: null,
    anything: 'else',
  });
});
