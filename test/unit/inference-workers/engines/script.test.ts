import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  NO_DIRECTIVES,
  parseDirectives,
  withoutDirectives,
} from '../../../../inference-workers/engines/scripted/directives.ts';
import {
  countTokens,
  hashText,
  scriptedLength,
  scriptedToken,
  splitTokens,
} from '../../../../inference-workers/engines/scripted/words.ts';

test('a seed writes the same words for ever', () => {
  const words = Array.from({ length: 8 }, (_, index) =>
    scriptedToken(hashText('What is a log?'), index),
  ).join('');
  assert.equal(words, 'Known as example are gives how order writes');
});

test('lengths stay between 20 and 60', () => {
  for (let seed = 0; seed < 500; seed += 1) {
    const length = scriptedLength(hashText(String(seed)));
    assert.ok(length >= 20 && length <= 60);
  }
});

test('counting agrees with splitting', () => {
  for (const text of ['', ' ', 'a', ' a b', 'a  b\n', 'é 日本 🙂\u00a0x', '\t']) {
    assert.equal(countTokens(text), splitTokens(text).length, JSON.stringify(text));
    assert.equal(splitTokens(text).join(''), text);
  }
});

test('directives are read over the defaults, and only from their brackets', () => {
  const text =
    'tokens=99 Hello [[tokens=20 pace=0.5 first=3 seed=4]] there [[fail=after:5 hang=always:2 fail=soon nonsense]]';
  assert.deepEqual(parseDirectives(text, { ...NO_DIRECTIVES, echo: true }), {
    tokens: 20,
    paceMs: 0.5,
    firstMs: 3,
    seed: 4,
    echo: true,
    faults: [
      { kind: 'fail', when: 'after', tokens: 5 },
      { kind: 'hang', when: 'always', tokens: 2 },
    ],
  });
  assert.equal(withoutDirectives('say [[echo=1]]this'), 'say this');
});
