import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterFacts } from '../../../../gateway/status-page/cluster-view.ts';
import { quantile } from '../../../../gateway/status-page/charts.ts';
import { renderPage } from '../../../../gateway/status-page/page.ts';
import { statusOf } from '../../../../gateway/status-page/read-status.ts';
import { countTurns } from '../../../../gateway/status-page/recent-turns.ts';
import { renderStatus } from '../../../../gateway/status-page/render-status.ts';
import type { Status } from '../../../../gateway/status-page/status.ts';
import type { SampledWorker } from '../../../../gateway/status-page/worker-view.ts';

const NOW = 1_700_000_000_000;
const group = (name: string, members = 1): ClusterFacts['groups'][number] => ({
  group: `steno-${name}`,
  state: members === 0 ? 'empty' : 'stable',
  members,
});
const allUp = [group('prepare-turn'), group('workers-small', 2), group('projection-conversations-v2')];

function given(
  cluster: Partial<ClusterFacts>,
  workers: readonly SampledWorker[] = [],
  own: Partial<Status> = {},
): Status {
  const turns = countTurns([0.1, 1], () => 0);
  return statusOf({
    prefix: 'steno',
    nowMs: NOW,
    cluster: { problem: null, groups: allUp, lag: [], ...cluster },
    workers,
    own: {
      version: '1.2.3',
      model: 'small',
      gateway: { state: 'healthy', instance: 'here-1', uptimeSeconds: 61 },
      queues: [{ name: 'answers that stream', now: 3, limit: 1_000 }],
      turns: turns.read(),
      ...own,
    },
  });
}

function worker(fields: Partial<SampledWorker> = {}): SampledWorker {
  return {
    ...{ workerId: 'here-2', model: 'small', slots: 4, active: 1, queued: 0, tokensPerSecond: 80.4 },
    ...{ residentBytes: 2e8, breakerOpen: null, sampledAt: NOW - 4_000, ...fields },
  };
}

test('everything is up where every role has a member', () => {
  const html = renderStatus(given({}));
  assert.match(html, /Everything is up/);
  assert.match(html, /<td>inference-worker<\/td><td><code>small<\/code><\/td>.*up.*>2</);
});

test('a group without members is a role that is down; one that never was is said so', () => {
  const html = renderStatus(given({ groups: [group('prepare-turn', 0), group('workers-small')] }));
  assert.match(html, /Down: processors, projections/);
  assert.match(html, /never started/);
});

test('a subscriber that left is no alarm, and one that reads is listed', () => {
  assert.doesNotMatch(renderStatus(given({ groups: [...allUp, group('billing', 0)] })), /billing/);
  const html = renderStatus(given({ groups: [...allUp, group('billing')] }));
  assert.match(html, /<td>subscriber<\/td><td><code>billing/);
  assert.match(html, /Everything is up/);
});

test('a broker that does not answer makes roles unknown instead of up', () => {
  const status = given({ problem: 'broker_unreachable' });
  assert.deepEqual([...new Set(status.roles.map(({ health }) => health))], ['unknown']);
  const html = renderStatus(status);
  assert.match(html, /role="alert">Kafka does not answer \(broker_unreachable\)/);
  assert.doesNotMatch(html, /Everything is up/);
});

test('lag is summed by group and topic, and is never below zero', () => {
  const lag = (partition: number, committed: number, end: number) => ({
    ...{ group: 'steno-prepare-turn', topic: 'steno.conversations.v1', partition, committed, end },
  });
  const status = given({ lag: [lag(0, 5, 12), lag(1, 8, 9), lag(2, 9, 4)] });
  assert.deepEqual(
    status.lag.map(({ partitions, records }) => [partitions, records]),
    [[3, 8]],
  );
  assert.equal(status.roles.find(({ role }) => role === 'processors')?.lag, 8);
  assert.match(renderStatus(status), /conversations\.<wbr>v1/);
});

test('breakers come from the samples of workers that have one', () => {
  assert.match(renderStatus(given({}, [worker()])), /No worker asks a backend elsewhere/);
  const html = renderStatus(
    given({}, [worker({ breakerOpen: true }), worker({ workerId: 'b', breakerOpen: false })]),
  );
  assert.match(html, /<span class="mark bad">open<\/span>/);
  assert.match(html, /<span class="mark good">closed<\/span>/);
});

test('names of others are text, never markup', () => {
  const html = renderStatus(
    given({}, [worker({ workerId: '<img src=x onerror=alert(1)>', model: '"><b>' })]),
  );
  assert.doesNotMatch(html, /<img|<b>/);
  assert.match(html, /&#60;img src=x/);
});

test('a quantile lies within its bucket', () => {
  const buckets = [
    { le: 0.1, count: 50 },
    { le: 1, count: 50 },
    { le: null, count: 0 },
  ];
  assert.equal(quantile(buckets, 0.5), 0.1);
  assert.equal(quantile(buckets, 0.75), 0.55);
  assert.equal(quantile(buckets, 1), 1);
  assert.equal(quantile([{ le: 0.1, count: 0 }], 0.5), null);
});

test('the page asks for a key where there is one to ask for, and then holds no figure', () => {
  const page = renderPage(null, 'v');
  assert.match(page, /type="password"/);
  assert.match(page, /<main id="status"><\/main>/);
  // The policy of the page allows neither.
  for (const html of [page, renderPage(given({}, [worker()]), 'v')])
    assert.doesNotMatch(html, /<script>|<style|style="|onclick/);
});
