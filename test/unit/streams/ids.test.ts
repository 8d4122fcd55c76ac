import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deriveId, inferenceIdOf, sha256 } from '../../../streams/ids.ts';

describe('derived ids', () => {
  it('never change: they are on every log that was ever written', () => {
    assert.equal(deriveId('evt', 'a', 'b'), 'evt_-s3eer8erFswEnOrLigveb');
    assert.equal(deriveId('inf', 'msg_1'), inferenceIdOf('msg_1'));
    assert.equal(inferenceIdOf('msg_1'), 'inf_egaXsjXENF9mccArGw_f_u');
    assert.equal(deriveId('evt', 'topic', 3, 42, 'grüße 🙂'), 'evt_CJkuEEv6g-VEAlEHTw_wdf');
  });

  it('tell apart parts that look alike when joined', () => {
    const parts = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc'], ['1:a'], ['a', '1:b']];
    assert.equal(new Set(parts.map((part) => deriveId('evt', ...part))).size, parts.length);
  });

  it('take a number for its digits', () => {
    assert.equal(deriveId('evt', 7), deriveId('evt', '7'));
  });

  it('hash text as UTF-8', () => {
    assert.equal(sha256(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    assert.equal(sha256('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});
