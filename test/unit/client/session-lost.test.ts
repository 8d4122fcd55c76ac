import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accepted, delta, done, GIVE_UP_MS, givenSession, INACTIVITY_MS, refusal } from './given-session.ts';

const two = { urls: ['ws://a', 'ws://b'] };
const message = (id: string): object => ({ type: 'message', id, text: id });

describe('gateways that go away', () => {
  test('draining: with another gateway it is left at once, alone it is read to its end', () => {
    for (const [urls, left] of [
      [two.urls, true],
      [['ws://a'], false],
    ] as const) {
      const given = givenSession({ urls });
      given.ask('m');
      given.open();
      given.receive(accepted('m'), { type: 'draining', inference_id: 'inf_m', seq: -1 });
      assert.equal(given.session().connection === 'waiting', left);
      assert.equal(given.session().gateway, left ? 1 : 0);
    }
  });

  test('one that refuses everything is left for another one', () => {
    const given = givenSession(two);
    given.ask('m');
    given.open();
    given.receive(refusal('overloaded', { id: 'm' }));
    given.waitUntilDue();
    assert.deepEqual(given.effects().at(-1), { type: 'connect', socket: 3, url: 'ws://b' });
  });

  test('two that refuse everything are not asked in a hurry', () => {
    const given = givenSession({ ...two, giveUpAfterMs: 60_000 });
    const key = given.ask('m');
    let asked = 0;
    while (given.session().requests.length > 0) {
      if (given.session().connection === 'connecting') given.open();
      asked += given.frames().length;
      if (given.session().connection === 'open') given.receive(refusal('overloaded', { id: 'm' }));
      given.waitUntilDue();
    }
    assert.deepEqual(given.ends(), [[key, 'overloaded']]);
    assert.ok(asked > 5 && asked < 20, String(asked));
  });

  test('a key that is not known fails everything, for good', () => {
    const given = givenSession({ key: 'wrong' });
    const keys = [given.ask('m'), given.ask('n')];
    given.open();
    given.cut(4401);
    assert.deepEqual(
      given.ends(),
      keys.map((key) => [key, 'invalid_api_key']),
    );
    assert.equal(given.session().connection, 'idle');
  });
});

describe('keys that end', () => {
  test('a key that was good is followed by another; what is asked goes on', () => {
    const given = givenSession({ renewsKey: true });
    given.ask('m');
    given.open();
    given.receive(accepted('m'));
    given.cut(4401);
    assert.deepEqual(given.ends(), []);
    given.waitUntilDue();
    given.open();
    assert.deepEqual(
      given
        .frames()
        .map((frame) => ('type' in frame ? frame.type : ''))
        .slice(-2),
      ['auth', 'resume'],
    );
  });

  test('an empty key is not sent: whoever has none says so', () => {
    const given = givenSession({ key: '' });
    given.ask('m');
    given.open();
    assert.deepEqual(
      given.frames().map(({ type }) => type),
      ['message'],
    );
  });

  test('a fresh key that is refused fails everything, for good', () => {
    const given = givenSession({ renewsKey: true });
    const key = given.ask('m');
    given.open();
    given.cut(4401);
    given.waitUntilDue();
    given.open();
    given.cut(4401);
    assert.deepEqual(given.ends(), [[key, 'invalid_api_key']]);
  });
});

describe('no spinner turns for ever', () => {
  test('a silent connection is replaced and the answer resumed', () => {
    const given = givenSession();
    given.ask('m');
    given.open();
    given.receive(accepted('m'));
    given.wait(INACTIVITY_MS);
    given.tell({ type: 'tick' });
    assert.deepEqual(given.effects().at(-1), { type: 'drop' });
    given.waitUntilDue();
    given.open();
    assert.deepEqual(
      given.frames().map(({ type }) => type),
      ['resume'],
    );
  });

  test('a connection that does not open is dropped and tried elsewhere', () => {
    const given = givenSession(two);
    given.ask('m');
    given.waitUntilDue();
    given.waitUntilDue();
    assert.deepEqual(
      given.effects().map((effect) => ('url' in effect ? effect.url : effect.type)),
      ['ws://a', 'drop', 'ws://b'],
    );
  });

  test('without a gateway it is given up after the time that was set', () => {
    const given = givenSession();
    const key = given.ask('m');
    for (let waited = 0; given.session().requests.length > 0; waited += 1) {
      assert.ok(waited < 100);
      if (given.session().connection === 'connecting') given.cut();
      given.waitUntilDue();
    }
    assert.deepEqual(given.ends(), [[key, 'connection_lost']]);
    assert.equal(given.session().connection, 'idle');
  });

  test('with a gateway that says nothing too, and one that always refuses is quoted', () => {
    for (const [frame, code] of [
      [null, 'no_answer'],
      [refusal('model_not_served', { id: 'm' }), 'model_not_served'],
    ] as const) {
      const given = givenSession({ inactivityMs: GIVE_UP_MS * 2 });
      const key = given.ask('m');
      given.open();
      for (let waited = 0; given.session().requests.length > 0; waited += 1) {
        assert.ok(waited < 100);
        if (given.frames().length > 0 && frame !== null) given.receive(frame);
        given.waitUntilDue();
      }
      assert.deepEqual(given.ends(), [[key, code]]);
    }
  });

  test("time that the machine slept is nobody's silence", () => {
    const given = givenSession();
    given.ask('m');
    given.open();
    given.receive(accepted('m'), delta('inf_m', 0));
    given.wait(GIVE_UP_MS * 30);
    given.tell({ type: 'tick' });
    assert.deepEqual(given.ends(), []);
    given.waitUntilDue();
    given.open();
    assert.equal(given.frames().at(-1)?.['after'], 0);
  });

  test('an idle connection is not held against the next message', () => {
    const given = givenSession();
    given.ask('m');
    given.open();
    given.receive(accepted('m'), done('inf_m', 0));
    given.wait(INACTIVITY_MS * 10);
    given.ask('n');
    given.tell({ type: 'tick' });
    assert.equal(given.session().connection, 'open');
    assert.deepEqual(given.frames().at(-1), message('n'));
  });
});
