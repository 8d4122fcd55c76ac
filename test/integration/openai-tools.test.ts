import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import type {
  InferenceCompleted,
  InferenceRequested,
  MessageSubmitted,
} from '../../schemas/generated/types.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { textOf } from '../../streams/parts.ts';
import { collect } from '../support/collect.ts';
import { startOpenAiPlatform, type OpenAiPlatform } from '../support/openai-platform.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { readRecorded } from '../support/recorded.ts';
import { kill9 } from '../support/role-process.ts';
import { callsIn, checkWeather, tools, type Call } from '../support/tool-calls.ts';

/** Programs that have their tools called, by a real model, alone and behind another Steno: with the official SDK. */

const MODEL = 'smollm2-135m-instruct';
const question = { role: 'user' as const, content: 'What is the weather in Paris?' };
const asked = {
  ...{ model: MODEL, tools, messages: [question], max_completion_tokens: 900, temperature: 0 },
  tool_choice: { type: 'function' as const, function: { name: 'get_weather' } },
};

let openai: OpenAiPlatform;
let front: Platform | null = null;
before(async () => {
  openai = await startOpenAiPlatform({ STENO_MODEL: MODEL });
});
after(async () => {
  await front?.stop();
  await openai.stop();
});
const sdk = (baseURL = openai.baseURL): OpenAI =>
  new OpenAI({ apiKey: openai.apiKey, baseURL, maxRetries: 0 });

/** What of a round trip is on the log. */
async function recordedOf(inferenceId: string): Promise<{
  readonly message: MessageSubmitted;
  readonly request: InferenceRequested;
  readonly end: InferenceCompleted;
}> {
  const of = ({ data }: LoggedEvent): boolean => 'inferenceId' in data && data.inferenceId === inferenceId;
  const [conversations, requests] = await Promise.all([openai.conversations(), openai.requests('small')]);
  const find = (events: readonly LoggedEvent[], type: string): unknown =>
    events.find((event) => event.type === type && of(event))?.data;
  return {
    message: find(conversations, 'MessageSubmitted') as MessageSubmitted,
    request: find(requests, 'InferenceRequested') as InferenceRequested,
    end: find(conversations, 'InferenceCompleted') as InferenceCompleted,
  };
}

test(
  'a call comes whole or as a stream, and its round trip is on the log',
  { timeout: 120_000 },
  async () => {
    const { data: whole, response } = await sdk().chat.completions.create(asked).withResponse();
    const [choice] = whole.choices;
    assert.equal(choice?.finish_reason, 'tool_calls');
    assert.equal(choice.message.content, null);
    const [call, ...more] = choice.message.tool_calls ?? [];
    assert.ok(call?.type === 'function' && more.length === 0);
    assert.equal(call.function.name, 'get_weather');
    checkWeather(call.function.arguments);

    const chunks = await collect(await sdk().chat.completions.create({ ...asked, stream: true }));
    const [streamed] = callsIn(chunks);
    assert.equal(streamed?.name, 'get_weather');
    checkWeather(streamed.arguments);
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), '');
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'tool_calls');

    const conversation = response.headers.get('x-steno-conversation') ?? '';
    const answered = await sdk().chat.completions.create(
      {
        ...asked,
        tool_choice: 'auto',
        max_completion_tokens: 20,
        messages: [
          question,
          choice.message,
          { role: 'tool', tool_call_id: call.id, content: 'Rain, 12 degrees.' },
        ],
      },
      { headers: { 'x-steno-conversation': conversation } },
    );
    assert.ok((answered.choices[0]?.message.content ?? '').length > 0);
    const first = await recordedOf(whole.id.replace('chatcmpl-', 'inf_'));
    assert.deepEqual(
      first.end.toolCalls.map(({ id, name, arguments: given }) => [id, name, given.text]),
      [[call.id, 'get_weather', call.function.arguments]],
    );
    assert.equal(first.end.finishReason, 'tool_calls');
    const { message, request } = await recordedOf(answered.id.replace('chatcmpl-', 'inf_'));
    assert.deepEqual([message.role, message.parts[0]?.toolResult?.toolCallId], ['tool', call.id]);
    assert.equal(message.conversationId, first.message.conversationId);
    assert.equal(request.context.precedingHeld, 2, 'what the log holds of the round trip was found there');
    assert.deepEqual(
      request.messages.map(({ role, parts }) => [role, textOf(parts)]),
      [
        ['user', question.content],
        [
          'assistant',
          `<tool_call>{"name": "get_weather", "arguments": ${call.function.arguments}}</tool_call>`,
        ],
        ['tool', 'Rain, 12 degrees.'],
      ],
    );
    assert.ok(request.context.entries.some(({ kind, tokens }) => kind === 'tools' && tokens > 100));
  },
);

test(
  'a worker that dies in the middle of a call is followed by one that ends it',
  { timeout: 120_000 },
  async () => {
    const stream = await sdk().chat.completions.create({
      ...{ ...asked, temperature: 1, stream: true as const },
      messages: [{ role: 'user', content: 'Save what you know of the sea.' }],
      tool_choice: { type: 'function', function: { name: 'save_notes' } },
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    let killed = false;
    for await (const chunk of stream) {
      chunks.push(chunk);
      if (killed || (callsIn(chunks)[0]?.arguments.length ?? 0) < 30) continue;
      killed = true;
      await kill9(openai.platform.find('inference-worker'));
      void openai.platform.start('inference-worker');
    }
    assert.ok(killed);
    const [call, ...more] = callsIn(chunks);
    assert.equal(more.length, 0);
    const { notes } = JSON.parse(call?.arguments ?? '') as { notes: unknown[] };
    assert.ok(notes.length >= 8);
    const attempts = (await openai.conversations()).filter(({ type }) => type === 'AttemptStarted');
    assert.equal(attempts.length, 1, 'it was taken over, not begun anew');
  },
);

test('calls pass through a Steno whose model is another one', { timeout: 120_000 }, async () => {
  front = await startPlatform({
    roles: ['processors', 'inference-worker', 'gateway'],
    env: {
      STENO_MODEL: `openai:${MODEL}`,
      OPENAI_BASE_URL: openai.baseURL,
      OPENAI_API_KEY: openai.apiKey,
    },
  });
  const client = sdk(`${front.url()}/v1`);
  const chunks = await collect(await client.chat.completions.create({ ...asked, stream: true }));
  const [call] = callsIn(chunks);
  assert.equal(call?.name, 'get_weather');
  checkWeather(call.arguments);
  assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'tool_calls');
  const made: OpenAI.ChatCompletionMessageParam = {
    role: 'assistant',
    tool_calls: [{ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } }],
  };
  const answered = await client.chat.completions.create({
    ...{ ...asked, tool_choice: 'auto' as const, max_completion_tokens: 10 },
    messages: [question, made, { role: 'tool', tool_call_id: call.id, content: 'Sun.' }],
  });
  assert.ok((answered.choices[0]?.message.content ?? '').length > 0);
  const { conversations } = await readRecorded(front);
  const ends = conversations.filter((event) => event.type === 'InferenceCompleted');
  assert.ok(ends.some(({ data }) => data.toolCalls[0]?.id === call.id));
  // What reached the model behind it was a round trip too, not words about one.
  const behind = (await openai.requests('small'))
    .map(({ data }) => (data as InferenceRequested).messages)
    .find((messages) => messages.at(-1)?.parts[0]?.toolResult?.toolCallId === call.id);
  assert.deepEqual(
    behind?.map(({ role, parts }) => [role, parts.map(({ type }) => type).join()]),
    [
      ['user', 'text'],
      ['assistant', 'tool_call'],
      ['tool', 'tool_result'],
    ],
  );
});

test(
  'a response calls functions, streamed and kept, and the one after it answers them',
  { timeout: 120_000 },
  async () => {
    const functions: OpenAI.Responses.FunctionTool[] = tools.map((tool) => {
      assert.ok(tool.type === 'function');
      const { name, parameters = {}, description = '' } = tool.function;
      return { type: 'function', name, parameters, description, strict: false };
    });
    const client = new OpenAI({ apiKey: openai.apiKey, baseURL: openai.baseURL, maxRetries: 0 });
    const call = {
      ...{ model: MODEL, input: question.content, tools: functions, temperature: 0 },
      tool_choice: { type: 'function' as const, name: 'get_weather' },
    };
    const events = await collect(await client.responses.create({ ...call, stream: true }));
    assert.deepEqual(
      events.map((event) => event.sequence_number),
      [...events.keys()],
    );
    const last = events.at(-1);
    assert.ok(last?.type === 'response.completed');
    const [item, ...more] = last.response.output;
    assert.ok(item?.type === 'function_call' && more.length === 0);
    checkWeather(item.arguments);
    const told = events.map((event) =>
      event.type === 'response.function_call_arguments.delta' ? event.delta : '',
    );
    assert.equal(told.join(''), item.arguments);

    const found = await client.responses.retrieve(last.response.id);
    assert.deepEqual(
      [found.output, found.tools, found.tool_choice],
      [last.response.output, last.response.tools, call.tool_choice],
    );
    const again = await collect(
      await client.responses.retrieve(found.id, { stream: true, starting_after: 4 }),
    );
    assert.deepEqual(again, events.slice(5));

    const answered = await client.responses.create({
      ...{ model: MODEL, tools: functions, max_output_tokens: 20, temperature: 0 },
      input: [{ type: 'function_call_output', call_id: item.call_id, output: 'Rain.' }],
      previous_response_id: found.id,
    });
    assert.ok(answered.output.length > 0);
    const { message, request } = await recordedOf(answered.id.replace('resp_', 'inf_'));
    assert.deepEqual([message.role, message.parts[0]?.toolResult?.toolCallId], ['tool', item.call_id]);
    assert.deepEqual(
      request.messages.map(({ role }) => role),
      ['user', 'assistant', 'tool'],
    );
    const whole = await client.responses.create({ ...call, input: [{ role: 'user', content: 'Weather?' }] });
    assert.equal(whole.output[0]?.type, 'function_call');

    const history = await fetch(`${openai.baseURL}/conversations/${message.conversationId}`, {
      headers: { authorization: `Bearer ${openai.apiKey}` },
    });
    const { turns } = (await history.json()) as {
      turns: { items: { tool_calls: Call[]; tool_results: unknown[] }[] };
    };
    assert.deepEqual(
      turns.items
        .toReversed()
        .map(({ tool_calls: calls, tool_results: results }) => [calls.map(({ id }) => id), results]),
      [
        [[item.call_id], []],
        [[], [{ tool_call_id: item.call_id, content: 'Rain.' }]],
      ],
    );
  },
);
