import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectRegistry } from '../../schemas/registry.ts';
import { testCluster, type TestCluster } from '../support/cluster.ts';
import { eventTypes, goldenFiles, type GoldenFile } from '../unit/schemas/golden-files.ts';

/** What our own check calls compatible, the registry must take too: an installation of any version goes on with this one. */

let cluster: TestCluster;

before(async () => {
  cluster = await testCluster();
});
after(() => cluster.stop());

test('the registry takes every released version of a schema after the ones before it, under FULL_TRANSITIVE', async () => {
  const registry = connectRegistry(cluster.registryUrl, null);
  const grown = eventTypes.filter((event) => versionsOf(event).length > 1);
  assert.ok(grown.includes('InferenceRequested'));
  for (const event of grown) {
    const subject = `${cluster.prefix}.history-${event}`;
    const older = versionsOf(event).slice(0, -1);
    await setStrict(subject);
    for (const { schema, version } of older) {
      const status = await post(`/subjects/${subject}/versions`, { schema: JSON.stringify(schema) });
      assert.equal(status, 200, `${event} ${version}`);
    }
    await registry.register(subject, event);
    assert.equal(await registry.state(subject, event), 'registered');
  }
});

test('and refuses one that does not fit', async () => {
  const registry = connectRegistry(cluster.registryUrl, null);
  const subject = `${cluster.prefix}.history-other`;
  await setStrict(subject);
  const [other] = versionsOf('TurnMeasured');
  assert.equal(await post(`/subjects/${subject}/versions`, { schema: JSON.stringify(other?.schema) }), 200);
  await assert.rejects(registry.register(subject, 'InferenceRequested'), { status: 409 });
});

function versionsOf(event: string): readonly GoldenFile[] {
  return goldenFiles.filter(({ type }) => type === event).sort((a, b) => a.version - b.version);
}

async function setStrict(subject: string): Promise<void> {
  assert.equal(await send('PUT', `/config/${subject}`, { compatibility: 'FULL_TRANSITIVE' }), 200);
}

function post(path: string, body: unknown): Promise<number> {
  return send('POST', path, body);
}

async function send(method: string, path: string, body: unknown): Promise<number> {
  const response = await fetch(cluster.registryUrl.replace(/\/$/, '') + path, {
    method,
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
}
