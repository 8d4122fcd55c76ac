import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextWake } from '../../../client/session/session.js';
import { accepted, delta, done, givenSession, refusal, reset } from './given-session.ts';

const two = { urls: ['ws://a', 'ws://b'] };
const message = (id: string): object => ({ type: 'message', id, text: id });

describe('a connection is opened when it is needed', () => {
  test('the first message opens it; the key goes first', () => {
    const given = givenSession({ key: 'secret' });
    assert.equal(nextWake(given.session()), Infinity);
    given.ask('m');
    assert.deepEqual(given.effects(), [{ type: 'connect', socket: 1, url: 'ws://a' }]);
    given.open();
    assert.deepEqual(given.frames(), [{ type: 'auth', key: 'secret' }, message('m')]);
  });

  test('one that is lost while nothing is asked is not opened again', () => {
    const given = givenSession();
    given.ask('m');
    given.open();
    given.receive(accepted('m'), done('inf_m', 0));
    given.cut();
    assert.equal(given.session().connection, 'idle');
    assert.equal(nextWake(given.session()), Infinity);
  });

  test('several answers share it', () => {
    const given = givenSession();
    const [m, n] = [given.ask('m'), given.ask('n')];
    given.open();
    given.receive(accepted('n'), accepted('m'), delta('inf_m', 0), delta('inf_n', 0), done('inf_m', 1));
    const parts = given.effects().flatMap((effect) => (effect.type === 'part' ? [effect] : []));
    assert.deepEqual(
      parts.map(({ key, part }) => [key, part.type]),
      [
        [n, 'accepted'],
        [m, 'accepted'],
        [m, 'text'],
        [n, 'text'],
        [m, 'done'],
      ],
    );
    assert.equal(given.session().requests.length, 1);
  });
});

describe('a message is made once', () => {
  test('until it is accepted it is sent again unchanged, then its answer is resumed', () => {
    const given = givenSession(two);
    given.ask('m');
    given.open();
    given.cut();
    given.waitUntilDue();
    given.open();
    assert.deepEqual(given.frames(), [message('m'), message('m')]);
    given.receive(accepted('m'), delta('inf_m', 0), delta('inf_m', 1));
    given.cut();
    given.waitUntilDue();
    assert.deepEqual(given.effects().at(-1), { type: 'connect', socket: 5, url: 'ws://a' });
    given.open();
    assert.deepEqual(given.frames(), [
      { type: 'resume', id: 'm', token: 'token_m', inference_id: 'inf_m', after: 1 },
    ]);
  });

  test('a refusal that may pass is tried again under the same id on the same connection', () => {
    const given = givenSession();
    given.ask('m');
    given.open();
    given.receive(refusal('append_unknown', { id: 'm', retry_after_ms: 1_000 }));
    assert.equal(given.frames().length, 1);
    given.wait(999);
    given.tell({ type: 'tick' });
    assert.equal(given.frames().length, 0);
    given.waitUntilDue();
    assert.deepEqual(given.frames(), [message('m')]);
  });

  test('one that cannot pass is told, with its code', () => {
    const given = givenSession();
    const key = given.ask('m');
    given.ask('n');
    given.open();
    given.receive(refusal('model_not_found', { id: 'm', retryable: false }));
    assert.deepEqual(given.ends(), [[key, 'model_not_found']]);
  });

  test('a refusal without a name is about the only message that is not accepted', () => {
    const given = givenSession();
    const key = given.ask('m');
    given.open();
    given.receive(refusal('invalid_request', { retryable: false }));
    assert.deepEqual(given.ends(), [[key, 'invalid_request']]);
    given.receive(refusal('not_found', { id: 'm', retryable: false }));
    assert.deepEqual(given.ends(), []);
  });

  test('a message that is too large for the gateway fails alone', () => {
    const given = givenSession();
    given.ask('m');
    const large = given.ask('n', { text: 'x'.repeat(99) });
    given.open();
    given.cut(1009);
    assert.deepEqual(given.ends(), [[large, 'too_large']]);
    given.waitUntilDue();
    given.open();
    assert.deepEqual(given.frames().at(-1), message('m'));
  });
});

describe('nothing is shown twice, and nothing is left out', () => {
  test('frames up to the cursor are dropped; a reset takes a seq', () => {
    const given = givenSession();
    given.ask('m');
    given.open();
    given.receive(accepted('m'), delta('inf_m', 0), delta('inf_m', 0), reset('inf_m', 1), reset('inf_m', 1));
    given.receive(delta('inf_m', 0), delta('inf_m', 2, 'x'));
    assert.deepEqual(given.parts().slice(1), [
      { type: 'text', seq: 0, text: '0' },
      { type: 'reset', seq: 1 },
      { type: 'text', seq: 2, text: 'x' },
    ]);
  });

  test('after a gap the answer is asked for again, once, from its cursor', () => {
    const given = givenSession();
    given.ask('m');
    given.open();
    given.receive(accepted('m'), delta('inf_m', 0), delta('inf_m', 2), delta('inf_m', 3));
    given.frames();
    given.waitUntilDue();
    assert.deepEqual(
      given.frames().map(({ after }) => after),
      [0],
    );
    given.receive(delta('inf_m', 1), delta('inf_m', 2), done('inf_m', 3));
    assert.deepEqual(
      given.parts().map((part) => (part as { seq?: number }).seq),
      [undefined, 0, 1, 2, 3],
    );
  });

  test('what a connection says after it was left is ignored', () => {
    const given = givenSession(two);
    given.ask('m');
    given.open();
    given.receive(accepted('m'), { type: 'draining' });
    const old = given.session().socket - 1;
    given.tell({ type: 'frame', socket: old, text: JSON.stringify(delta('inf_m', 0)) });
    given.tell({ type: 'closed', socket: old, code: 1012 });
    assert.equal(given.session().requests[0]?.lastSeq, -1);
    assert.equal(given.session().connection, 'waiting');
  });

  test('frames that are none, or of a later version, change nothing', () => {
    const given = givenSession();
    given.ask('m');
    given.open();
    given.tell({ type: 'frame', socket: 1, text: 'not json' });
    given.receive({ type: 'applause' }, { type: 'delta', inference_id: 'inf_m' }, { type: 'constructor' });
    assert.deepEqual([given.parts(), given.ends()], [[], []]);
  });
});

describe('a resume', () => {
  test('by token alone learns what it is from its first frame; a second one waits for that', () => {
    const given = givenSession();
    const first = given.resume({ token: 't' });
    const second = given.resume({ token: 'u', after: 4 });
    given.open();
    assert.deepEqual(given.frames(), [{ type: 'resume', id: 'resume-t', token: 't', after: -1 }]);
    given.receive(delta('inf_t', 0));
    assert.deepEqual(given.frames(), [{ type: 'resume', id: 'resume-u', token: 'u', after: 4 }]);
    given.receive(delta('inf_u', 5), done('inf_u', 6), done('inf_t', 1));
    assert.deepEqual(given.ends(), [
      [second, null],
      [first, null],
    ]);
  });

  test('of an answer that nobody knows fails at once', () => {
    const given = givenSession();
    const key = given.resume({ token: 't' });
    given.open();
    given.receive(refusal('not_found', { id: 'resume-t', retryable: false }));
    assert.deepEqual(given.ends(), [[key, 'not_found']]);
  });

  test('by its id alone is asked for, cut, asked for again and stopped without a token', () => {
    const given = givenSession();
    const key = given.resume({ inferenceId: 'inf_t' });
    given.open();
    const frame = { type: 'resume', id: 'resume-inf_t', inference_id: 'inf_t' };
    assert.deepEqual(given.frames(), [{ ...frame, after: -1 }]);
    given.receive(delta('inf_t', 0));
    given.cut();
    given.waitUntilDue();
    given.open();
    assert.deepEqual(given.frames(), [{ ...frame, after: 0 }]);
    given.tell({ type: 'stop', key });
    assert.deepEqual(given.frames(), [{ type: 'stop', inference_id: 'inf_t' }]);
    given.receive(done('inf_t', 1));
    assert.deepEqual(given.ends(), [[key, null]]);
  });

  test('by its id is not taken for stopped before it was asked for', () => {
    const given = givenSession();
    const key = given.resume({ inferenceId: 'inf_t' });
    given.tell({ type: 'stop', key });
    assert.deepEqual(given.parts(), []);
    given.open();
    assert.deepEqual(
      given.frames().map(({ type }) => type),
      ['resume', 'stop'],
    );
  });

  test('two of the same answer both get it', () => {
    const given = givenSession();
    given.resume({ token: 't', inferenceId: 'inf_t', after: 3 });
    given.resume({ token: 't', inferenceId: 'inf_t', after: -1 });
    given.open();
    given.receive(
      delta('inf_t', 0),
      delta('inf_t', 1),
      delta('inf_t', 2),
      delta('inf_t', 3),
      delta('inf_t', 4),
    );
    given.receive(done('inf_t', 5));
    assert.equal(given.parts().length, 1 + 5 + 2);
    assert.equal(given.ends().length, 2);
  });
});

describe('stop', () => {
  const stopFrame = { type: 'stop', inference_id: 'inf_m', token: 'token_m' };

  test('is sent when the answer is known, and again on the next connection', () => {
    const given = givenSession();
    const key = given.ask('m');
    given.open();
    given.tell({ type: 'stop', key });
    given.tell({ type: 'stop', key });
    assert.deepEqual(given.frames(), [message('m')]);
    given.receive(accepted('m'), delta('inf_m', 0));
    assert.deepEqual(given.frames(), [stopFrame]);
    given.cut();
    given.waitUntilDue();
    given.open();
    assert.deepEqual(given.frames().at(-1), stopFrame);
    given.receive(done('inf_m', 1, 'cancelled'));
    assert.deepEqual(given.ends(), [[key, null]]);
  });

  test('of a message that was never sent: it is not sent, and no connection is waited for', () => {
    const given = givenSession();
    const key = given.ask('m');
    given.tell({ type: 'stop', key });
    assert.deepEqual(given.ends(), [[key, null]]);
    assert.equal(given.session().connection, 'idle');
    assert.deepEqual(given.effects().at(-1), { type: 'drop' });
  });
});

test('feedback is sent until it is accepted and gives its id', () => {
  const given = givenSession();
  const frame = { type: 'feedback', id: 'f', inference_id: 'inf_m', thumb: 1 };
  const key = given.ask('f', frame);
  given.ask('m');
  given.open();
  given.cut();
  given.waitUntilDue();
  given.open();
  assert.deepEqual(given.frames(), [frame, message('m'), frame, message('m')]);
  given.receive({ type: 'accepted', id: 'f', inference_id: 'inf_m', feedback_id: 'fb_1' });
  assert.deepEqual(given.parts(), [{ type: 'feedback', feedbackId: 'fb_1' }]);
  assert.deepEqual(given.ends(), [[key, null]]);
});

test('close ends everything and stays closed', () => {
  const given = givenSession();
  const key = given.ask('m');
  given.open();
  given.tell({ type: 'close' });
  assert.deepEqual(given.ends(), [[key, 'closed']]);
  const late = given.ask('n');
  assert.deepEqual(given.ends(), [[late, 'closed']]);
  assert.equal(given.session().connection, 'closed');
  assert.equal(nextWake(given.session()), Infinity);
});
