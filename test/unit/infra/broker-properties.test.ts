import assert from 'node:assert/strict';
import { test } from 'node:test';

import { renderBrokerLogging, renderBrokerProperties } from '../../../infra/kafka/broker-properties.ts';

const lines = renderBrokerProperties({
  host: '127.0.0.1',
  port: 9092,
  controllerPort: 9093,
  advertised: 'proxy.example:1234',
}).split('\n');

test('the broker listens on its host only and tells clients the advertised address', () => {
  assert.ok(lines.includes('listeners=BROKER://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093'));
  assert.ok(lines.includes('advertised.listeners=BROKER://proxy.example:1234'));
  assert.ok(lines.includes('controller.quorum.voters=1@127.0.0.1:9093'));
});

test('the settings that promises rest on are there', () => {
  const promised = [
    'auto.create.topics.enable=false',
    'log.message.timestamp.type=LogAppendTime',
    'unclean.leader.election.enable=false',
    'group.min.session.timeout.ms=1000',
    'group.initial.rebalance.delay.ms=0',
    'broker.session.timeout.ms=3000',
    'broker.heartbeat.interval.ms=500',
    'message.max.bytes=8388608',
    'replica.fetch.max.bytes=8388608',
  ];
  assert.deepEqual(
    promised.filter((line) => !lines.includes(line)),
    [],
  );
});

test('no internal topic asks for more replicas than one node has', () => {
  const replicas = lines.filter((line) => /replication\.factor|min\.isr|min\.insync/.test(line));
  assert.equal(replicas.length, 7);
  assert.deepEqual(
    replicas.filter((line) => !line.endsWith('=1')),
    [],
  );
});

test('no setting is given twice', () => {
  const names = lines.map((line) => line.split('=')[0]);
  assert.equal(new Set(names).size, names.length);
});

test('the log file rolls and is capped', () => {
  const logging = renderBrokerLogging('../logs/broker.log');
  assert.match(logging, /fileName=\.\.\/logs\/broker\.log\n/);
  assert.match(logging, /size\.size=10MB\n/);
  assert.match(logging, /strategy\.max=2\n/);
});
