import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRedactor } from '../../../../policies/personal-data/redactor.ts';
import { plain, textPart, toolCallPart, toolResultPart } from '../../../../streams/parts.ts';

test('every part that holds words is looked through, and counted', () => {
  const redactor = createRedactor(['email']);
  const mail = 'a@b.example';
  const parts = [
    textPart(`to ${mail}`),
    toolCallPart({ id: 'c', name: 'f', arguments: plain(`{"to":"${mail}","cc":"${mail}"}`) }),
    toolResultPart({ toolCallId: 'c', content: plain(`sent to ${mail}`), isError: false }),
  ];
  assert.deepEqual(
    redactor
      .parts(parts)
      .map(({ text, toolCall, toolResult }) => (text ?? toolCall?.arguments ?? toolResult?.content)?.text),
    ['to [email]', '{"to":"[email]","cc":"[email]"}', 'sent to [email]'],
  );
  assert.deepEqual(redactor.findings(), [{ label: 'email', count: 4 }]);
});

test('what holds nothing stays the very same; kinds that are not asked for stay', () => {
  const redactor = createRedactor(['card', 'OTHER']);
  const parts = [
    textPart('a@b.example'),
    toolCallPart({ id: 'c', name: 'f', arguments: plain('{}') }),
    toolResultPart({ toolCallId: 'c', content: plain('x'), isError: false }),
    { ...textPart(''), text: { text: null, sealed: null, keyId: null } },
  ];
  assert.equal(redactor.parts(parts), parts);
  assert.deepEqual(redactor.findings(), []);
});
