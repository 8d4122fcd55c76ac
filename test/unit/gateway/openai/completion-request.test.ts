import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprintOf } from '../../../../gateway/message.ts';
import { completionRequest, wantedOf, type Wanted } from '../../../../gateway/openai/completion-request.ts';
import { validate } from '../../../../gateway/parse.ts';
import { submissionOf } from '../../../../gateway/requests.ts';
import { textOf } from '../../../../streams/parts.ts';

const hello = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };

function want(body: object, conversationId: string | null = null): Wanted {
  return wantedOf(validate(completionRequest, body), conversationId);
}

test('the last message is what is said, all before is what preceded', () => {
  const { submission } = want({
    model: 'm',
    messages: [
      { role: 'system', content: 'be kind' },
      { role: 'developer', content: [{ type: 'text', text: 'be brief' }] },
      { role: 'user', content: 'one', name: 'ann' },
      { role: 'assistant', content: 'two', refusal: null, tool_calls: [] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'thr' },
          { type: 'text', text: 'ee' },
        ],
      },
    ],
  });
  assert.equal(submission.text, 'three');
  assert.deepEqual(
    submission.preceding.map(({ role, parts }) => [role, textOf(parts)]),
    [
      ['system', 'be kind'],
      ['system', 'be brief'],
      ['user', 'one'],
      ['assistant', 'two'],
    ],
  );
});

test('every parameter that is honoured reaches the submission; null is left out', () => {
  const honoured = {
    temperature: 0,
    top_p: 0.5,
    seed: 7,
    stop: 'x',
    user: 'eve',
    metadata: { a: 'b' },
    max_tokens: 9,
  };
  const { submission, stream, includeUsage } = want(
    { ...hello, ...honoured, stream: true, stream_options: { include_usage: true } },
    'conv_1',
  );
  const { text, model, temperature, topP, seed, stop, subjectId, metadata, maxTokens, conversationId } =
    submission;
  assert.deepEqual(
    [text, model, temperature, topP, seed, stop, subjectId, maxTokens, conversationId],
    ['hello', 'm', 0, 0.5, 7, ['x'], 'eve', 9, 'conv_1'],
  );
  assert.deepEqual(metadata, { a: 'b' });
  assert.ok(stream && includeUsage);

  const none = Object.fromEntries(Object.keys(honoured).map((name) => [name, null]));
  const bare = want({ ...hello, ...none, stream: null, stream_options: null, n: null, tools: null });
  assert.deepEqual(bare, want(hello));
  assert.deepEqual(bare.submission, { ...submissionOf('hello', { model: 'm' }) });
  assert.ok(!bare.stream && !bare.includeUsage);
});

test('the newer name of a parameter wins', () => {
  const both = want({
    ...hello,
    max_tokens: 1,
    max_completion_tokens: 2,
    user: 'old',
    safety_identifier: 'new',
  });
  assert.deepEqual([both.submission.maxTokens, both.submission.subjectId], [2, 'new']);
});

test('what changes nothing is taken', () => {
  const harmless = {
    ...{
      n: 1,
      tools: [],
      tool_choice: 'auto',
      response_format: { type: 'text' },
      logprobs: false,
      logit_bias: {},
    },
    ...{
      presence_penalty: 0,
      frequency_penalty: 0,
      modalities: ['text'],
      store: false,
      service_tier: 'auto',
    },
    ...{ parallel_tool_calls: true, reasoning_effort: 'low', x_of_tomorrow: { a: 1 } },
  };
  assert.deepEqual(want({ ...hello, ...harmless }), want(hello));
});

const weather = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'd',
    parameters: { type: 'object', properties: { city: { type: 'string', pattern: 'x' } } },
  },
};
const called = {
  id: 'call_1',
  type: 'function',
  function: { name: 'weather', arguments: '{"city":"Bonn"}' },
};

test('tools are taken with whether they have to be called; none to call are none', () => {
  const { submission } = want({ ...hello, tools: [weather], parallel_tool_calls: false });
  assert.deepEqual(submission.tools, {
    tools: [{ name: 'weather', description: 'd', schema: JSON.stringify(weather.function.parameters) }],
    ...{ choice: 'auto', name: null, parallel: false },
  });
  const named = want({
    ...hello,
    tools: [weather],
    tool_choice: { type: 'function', function: { name: 'weather' } },
  });
  assert.deepEqual([named.submission.tools?.choice, named.submission.tools?.name], ['named', 'weather']);
  assert.equal(want({ ...hello, tools: [weather], tool_choice: 'none' }).submission.tools, null);
});

test('what tools answered last is what is said; what they answered before precedes it', () => {
  const round = [
    { role: 'assistant', content: null, tool_calls: [called, { ...called, id: 'call_2' }] },
    { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
    { role: 'tool', tool_call_id: 'call_2', content: [{ type: 'text', text: 'sun' }] },
  ];
  const last = want({ ...hello, messages: [...hello.messages, ...round] }).submission;
  assert.equal(last.text, null);
  assert.deepEqual(
    last.toolResults.map(({ toolCallId, content }) => [toolCallId, content.text]),
    [
      ['call_1', 'rain'],
      ['call_2', 'sun'],
    ],
  );
  assert.deepEqual(
    last.preceding.map(({ role, parts }) => [role, parts.length]),
    [
      ['user', 1],
      ['assistant', 2],
    ],
  );
  const later = want({ ...hello, messages: [...hello.messages, ...round, ...hello.messages] }).submission;
  assert.deepEqual(
    later.preceding.map(({ role, parts }) => [role, parts.length]),
    [
      ['user', 1],
      ['assistant', 2],
      ['tool', 2],
    ],
  );
  assert.deepEqual([later.text, later.toolResults], ['hello', []]);
});

const refused: readonly (readonly [object, string])[] = [
  [{ n: 5 }, 'n'],
  [{ n: 0 }, 'n'],
  [{ tools: [{ type: 'function' }] }, 'tools[0].function'],
  [{ tool_choice: 'required' }, 'tool_choice'],
  [{ tools: [weather, weather] }, 'tools[1].function.name'],
  [
    { tools: [{ ...weather, function: { ...weather.function, strict: true } }] },
    'tools[0].function.parameters.properties.city.pattern',
  ],
  [
    { tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'array' } } }] },
    'tools[0].function.parameters.type',
  ],
  [{ tools: [{ type: 'custom' }] }, 'tools[0].type'],
  [{ tools: [weather], tool_choice: { type: 'function', function: { name: 'g' } } }, 'tool_choice'],
  [{ tools: [weather], response_format: { type: 'json_object' } }, 'response_format'],
  [{ messages: [{ role: 'tool', content: 'x', tool_call_id: 'c' }] }, 'messages[0].tool_call_id'],
  [{ messages: [...hello.messages, { role: 'assistant' }, ...hello.messages] }, 'messages[1].content'],
  [{ messages: [{ role: 'user', content: 'x', tool_calls: [called] }] }, 'messages[0].tool_calls'],
  [{ functions: [{ name: 'f' }] }, 'functions'],
  [{ function_call: { name: 'f' } }, 'function_call'],
  [{ response_format: { type: 'xml' } }, 'response_format.type'],
  [{ response_format: { type: 'json_schema' } }, 'response_format.json_schema'],
  [
    { response_format: { type: 'json_schema', json_schema: { name: 'a b', schema: { type: 'object' } } } },
    'response_format.json_schema.name',
  ],
  [
    { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'array' } } } },
    'response_format.json_schema.schema.type',
  ],
  [{ logprobs: true }, 'logprobs'],
  [{ top_logprobs: 3 }, 'top_logprobs'],
  [{ logit_bias: { 50256: -100 } }, 'logit_bias'],
  [{ presence_penalty: 0.5 }, 'presence_penalty'],
  [{ frequency_penalty: -0.5 }, 'frequency_penalty'],
  [{ modalities: ['text', 'audio'] }, 'modalities'],
  [{ audio: { voice: 'alloy' } }, 'audio'],
  [{ prediction: { type: 'content' } }, 'prediction'],
  [{ web_search_options: {} }, 'web_search_options'],
  [{ stop: ['1', '2', '3', '4', '5'] }, 'stop'],
  [{ stop: '' }, 'stop'],
  [{ temperature: 3 }, 'temperature'],
  [{ top_p: 0 }, 'top_p'],
  [{ max_tokens: 0 }, 'max_tokens'],
  [{ stream: 'yes' }, 'stream'],
  [{ stream_options: { include_usage: 1 } }, 'stream_options.include_usage'],
  [{ metadata: { a: 1 } }, 'metadata.a'],
  [
    { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, 'v'])) },
    'metadata',
  ],
  [{ model: undefined }, 'model'],
  [{ messages: [] }, 'messages'],
  [{ messages: 'hello' }, 'messages'],
  [{ messages: [{ role: 'user', content: '' }] }, 'messages[0].content'],
  [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
  [{ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] }, 'messages[0].content'],
  [{ messages: [{ role: 'tool', content: 'x' }, ...hello.messages] }, 'messages[0].tool_call_id'],
  [{ messages: [...hello.messages, { role: 'assistant', content: 'x' }] }, 'messages[1].role'],
  [
    { messages: [{ role: 'assistant', content: 'x', tool_calls: [{ id: 'c' }] }, ...hello.messages] },
    'messages[0].tool_calls[0].type',
  ],
];

for (const [fields, param] of refused) {
  test(`${JSON.stringify(fields).slice(0, 80)} is refused and ${param} named`, () => {
    assert.throws(
      () => want({ ...hello, ...fields }),
      (error: { code?: unknown; facts?: { param?: unknown } }) => {
        assert.deepEqual([error.code, error.facts?.param], ['invalid_request', param]);
        return true;
      },
    );
  });
}

test('a fingerprint covers everything that matters, and not how the answer is sent', () => {
  const print = (fields: object): string => fingerprintOf(want({ ...hello, ...fields }).submission);
  assert.equal(print({ stream: true, stream_options: { include_usage: true } }), print({}));
  const others = [
    {},
    { messages: [{ role: 'system', content: 'x' }, ...hello.messages] },
    { messages: [{ role: 'user', content: 'x' }, ...hello.messages] },
    { stop: 'x' },
    { user: 'eve' },
    { metadata: { a: 'b' } },
    { metadata: { a: 'c' } },
    { seed: 1 },
    { max_tokens: 5 },
    { temperature: 0.1 },
  ];
  assert.equal(new Set(others.map(print)).size, others.length);
  assert.equal(print({ metadata: { a: 'b', c: 'd' } }), print({ metadata: { c: 'd', a: 'b' } }));
});

test('a message without the later fields keeps the fingerprint it had before them', () => {
  assert.equal(
    fingerprintOf(submissionOf('hello', {})),
    '04c865802a3d10e62cceaaafd14487cc1a96aed8c71e26302980204308512cfd',
  );
});
