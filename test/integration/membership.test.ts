import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { removeMembersOf } from '../../cli/up/remove-members.ts';
import type { Membership } from '../../streams/log.ts';
import { openKafkaAdmin, type KafkaAdmin } from '../../streams/kafka/admin.ts';
import { openTestLog, textRecord, type TestLog } from '../support/test-log.ts';
import { until } from '../support/until.ts';

type Member = {
  readonly membership: Membership;
  readonly owned: Set<number>;
  /** Every call, as "+partition" and "-partition". */
  readonly calls: string[];
};

describe('membership of a group', () => {
  let test: TestLog;
  let admin: KafkaAdmin;
  let topic: string;
  let groups = 0;
  const open: Membership[] = [];
  const programs: ChildProcess[] = [];

  before(async () => {
    test = await openTestLog();
    admin = await openKafkaAdmin(test.cluster.kafka);
    topic = await test.createTopic('shared', 24);
  });
  after(async () => {
    for (const program of programs) program.kill('SIGKILL');
    await Promise.all(open.map((membership) => membership.leave()));
    await admin.close();
    await test.stop();
  });

  const newGroup = (): string => `${test.cluster.prefix}.group-${(groups += 1)}`;

  async function join(group: string): Promise<Member> {
    const owned = new Set<number>();
    const calls: string[] = [];
    const membership = await test.log.join({
      group,
      topics: [topic],
      onAssigned: (partitions) =>
        partitions.forEach(({ partition }) => {
          assert.ok(!owned.has(partition), `${partition} was assigned twice`);
          owned.add(partition);
          calls.push(`+${partition}`);
        }),
      onRevoked: (partitions) =>
        partitions.forEach(({ partition }) => {
          assert.ok(owned.delete(partition), `${partition} was revoked and never assigned`);
          calls.push(`-${partition}`);
        }),
      onFailure: (error) => assert.fail(String(error)),
    });
    open.push(membership);
    return { membership, owned, calls };
  }

  it('shares the partitions; kept ones are not named again; who leaves hands over', async () => {
    const group = newGroup();
    const first = await join(group);
    assert.equal(first.owned.size, 24);
    const second = await join(group);
    await until('12 and 12', () => first.owned.size === 12 && second.owned.size === 12);
    assert.equal(new Set([...first.owned, ...second.owned]).size, 24);
    assert.equal(first.calls.length, 24 + 12, 'twelve taken away, nothing else');
    assert.deepEqual((await admin.groupMembers(group)).length, 2);
    assert.ok(first.membership.isFresh() && second.membership.isFresh());
    await second.membership.leave();
    assert.equal(second.owned.size, 0);
    assert.ok(!second.membership.isFresh());
    await until('24 again', () => first.owned.size === 24);
    assert.equal(first.calls.length, 24 + 12 + 12);
    await first.membership.leave();
  });

  it('never gives a partition to two members at once while many come and go', async () => {
    const group = newGroup();
    const members: Member[] = [];
    const overlap = (): number => {
      const all = members.flatMap(({ owned }) => [...owned]);
      return all.length - new Set(all).size;
    };
    const watch = setInterval(() => assert.equal(overlap(), 0), 1);
    for (let index = 0; index < 4; index += 1) members.push(await join(group));
    await until('six each', () => members.every(({ owned }) => owned.size === 6));
    await Promise.all(members.splice(0, 2).map(({ membership }) => membership.leave()));
    await until('twelve each', () => members.every(({ owned }) => owned.size === 12));
    clearInterval(watch);
    await Promise.all(members.map(({ membership }) => membership.leave()));
  });

  it('gives the partitions of a member that was killed to the others after the session time-out', async () => {
    const group = newGroup();
    const first = await join(group);
    const other = startMember(group);
    await until('12 and 12', () => first.owned.size === 12 && other.lines.includes('assigned 12'));
    other.process.kill('SIGKILL');
    await until('24', () => first.owned.size === 24);
    await first.membership.leave();
  });

  it('tells a member that slept over its session that it owned nothing meanwhile', async () => {
    const group = newGroup();
    const first = await join(group);
    const other = startMember(group);
    await until('12 and 12', () => first.owned.size === 12 && other.lines.includes('assigned 12'));
    other.process.kill('SIGSTOP');
    await until('24', () => first.owned.size === 24);
    const before = other.lines.length;
    other.process.kill('SIGCONT');
    await until('12 again', () => other.lines.slice(before).includes('assigned 12'));
    await until('fresh', () => other.lines.slice(before).includes('fresh'));
    // Stale before anything else: in between it may have been a member without partitions.
    assert.deepEqual(other.lines.slice(before, before + 2), ['stale', 'revoked 12']);
    await first.membership.leave();
  });

  it('takes a member back that an administrator removed', async () => {
    const group = newGroup();
    const first = await join(group);
    const ids = (await admin.groupMembers(group)).map(({ id }) => id);
    assert.deepEqual(ids.length, 1);
    await admin.removeMembers(group, ids);
    await until('taken back', () => first.calls.length === 24 * 3);
    assert.equal(first.owned.size, 24);
    await admin.removeMembers(group, ids);
    await first.membership.leave();
  });

  it('lets a dead process out of a group that has committed nothing yet, and the others in it', async () => {
    const group = newGroup();
    const first = await join(group);
    const other = startMember(group, `${test.cluster.prefix}-doomed`);
    await until('12 and 12', () => first.owned.size === 12 && other.lines.includes('assigned 12'));
    other.process.kill('SIGKILL');
    await once(other.process, 'exit');
    assert.equal(await removeMembersOf(admin, group, `${test.cluster.prefix}-doomed`), 1);
    await until('24', () => first.owned.size === 24);
    assert.equal((await admin.groupMembers(group)).length, 1);
    await first.membership.leave();
  });

  it('keeps committed offsets, and the administrator sees the lag', async () => {
    const group = newGroup();
    const appender = test.log.openAppender('lag');
    await appender.append([textRecord(topic, 5, 'a'), textRecord(topic, 5, 'b'), textRecord(topic, 5, 'c')]);
    await appender.close();
    const first = await join(group);
    const partitions = [
      { topic, partition: 5 },
      { topic, partition: 6 },
    ];
    assert.deepEqual(await first.membership.committed(partitions), []);
    await first.membership.commit([{ topic, partition: 5, offset: 2 }]);
    assert.deepEqual(await first.membership.committed(partitions), [{ topic, partition: 5, offset: 2 }]);
    assert.deepEqual(await admin.lag(group), [{ group, topic, partition: 5, committed: 2, end: 3 }]);
    assert.ok(((await admin.diskUsage(topic)).get(topic) ?? 0) > 0);
    await first.membership.leave();
  });

  it('does not let a member that is gone commit', async () => {
    const group = newGroup();
    const first = await join(group);
    await admin.removeMembers(group, [(await admin.groupMembers(group))[0]?.id ?? '']);
    const stale = first.membership.commit([{ topic, partition: 1, offset: 1 }]);
    await assert.rejects(stale, { code: 'commit_failed' });
    await until('taken back', () => first.calls.length === 24 * 3);
    assert.deepEqual(await first.membership.committed([{ topic, partition: 1 }]), []);
    await first.membership.leave();
  });

  function startMember(
    group: string,
    clientId = test.cluster.kafka.clientId,
  ): { readonly process: ChildProcess; readonly lines: string[] } {
    const program = fileURLToPath(new URL('../support/group-member.ts', import.meta.url));
    const child = spawn(
      process.execPath,
      [program, JSON.stringify({ ...test.cluster.kafka, clientId }), group, topic],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    programs.push(child);
    const lines: string[] = [];
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => lines.push(...text.split('\n').filter((line) => line !== '')));
    return { process: child, lines };
  }
});
