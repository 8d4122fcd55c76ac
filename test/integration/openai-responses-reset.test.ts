import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { cut, startMisbehavingBackend, type MisbehavingBackend } from '../support/misbehaving-backend.ts';
import { startOpenAiPlatform, type OpenAiPlatform } from '../support/openai-platform.ts';
import {
  assertWhole,
  responseIn,
  resumed,
  textOfEvents,
  type ResponseEvent,
} from '../support/openai-responses.ts';
import { nodeSdks, thrownBy } from '../support/openai-sdks.ts';

/** A response that began anew: on /v1/responses nothing that was streamed is taken back, and nothing wrong is kept. */

let backend: MisbehavingBackend;
let openai: OpenAiPlatform;
before(async () => {
  backend = await startMisbehavingBackend();
  openai = await startOpenAiPlatform({
    STENO_MODEL: 'openai:name/Over-There',
    OPENAI_BASE_URL: backend.baseUrl,
    OPENAI_API_KEY: 'sk-over-there',
  });
});
after(async () => {
  await openai.stop();
  await backend.close();
});

for (const { name, open } of nodeSdks) {
  test(`${name}: the stream ends with stream_reset, and every later question gets the recorded answer`, async () => {
    const client = open(openai);
    const headers = { 'idempotency-key': randomUUID() };
    const asked = { input: `What is between them, ${name}?` };
    const seen: ResponseEvent[] = [];
    backend.next(cut(5));
    const thrown = await thrownBy(async () => {
      const stream = await client.responses.create({ ...asked, stream: true }, { headers });
      for await (const event of stream) seen.push(event);
    });
    assert.equal(thrown.code, 'stream_reset');
    assert.notEqual(textOfEvents(seen), '');

    const recorded = await client.responses.create(asked, { headers });
    assert.deepEqual([recorded.id, recorded.status], [responseIn(seen[0]).id, 'completed']);
    assert.deepEqual(await client.responses.retrieve(recorded.id), recorded);
    const whole = await resumed(client, recorded.id);
    assertWhole(whole, 'response.completed');
    assert.equal(textOfEvents(whole), recorded.output_text);
    assert.deepEqual(whole.slice(0, 4), seen.slice(0, 4));

    const last = seen.at(-1)?.sequence_number;
    const again = await thrownBy(() => resumed(client, recorded.id, last));
    assert.equal(again.code, 'stream_reset');
  });
}
