import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roleEnvironment } from '../../../cli/up/roles/role-environment.ts';
import { parseConfig } from '../../../runtime/config.ts';

const env = {
  PORT: '0',
  STENO_DATA_DIR: '/data',
  STENO_CACHE_DIR: '/cache',
  STENO_KAFKA_SSL: 'true',
  STENO_KAFKA_SASL_MECHANISM: 'PLAIN',
  OTEL_SERVICE_NAME: 'chat',
};
const surroundings = {
  ...{ env, config: parseConfig(env), isKafkaEmbedded: true },
  ...{ brokers: ['127.0.0.1:9092'], registryUrl: 'http://127.0.0.1:8081' },
};

test('a role is told where everything is, and keeps what else was set', () => {
  const found = roleEnvironment(surroundings, null);
  const config = parseConfig(found);
  assert.deepEqual(config.kafka.brokers, ['127.0.0.1:9092']);
  assert.equal(config.registry.url, 'http://127.0.0.1:8081');
  assert.deepEqual([config.dataDir, config.cacheDir, config.port], ['/data', '/cache', 0]);
  assert.equal(found['OTEL_SERVICE_NAME'], 'chat');
  assert.equal(found['NODE_COMPILE_CACHE'], '/cache/compiled');
});

test('credentials of an external cluster are not shown to the embedded broker', () => {
  const embedded = parseConfig(roleEnvironment(surroundings, null)).kafka;
  assert.deepEqual([embedded.tls, embedded.sasl], [null, null]);
  const external = parseConfig(roleEnvironment({ ...surroundings, isKafkaEmbedded: false }, null)).kafka;
  assert.equal(external.sasl?.mechanism, 'PLAIN');
});

test('a role that is started again takes the port it had', () => {
  assert.equal(parseConfig(roleEnvironment(surroundings, 'http://127.0.0.1:4711')).port, 4711);
});
