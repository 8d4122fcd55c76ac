import type { Membership, TopicPartition } from '../log.ts';

const EVERY_MS = 1_000;

/**
 * Commits to the group, once a second, how far a reader came whose real positions lie elsewhere. Nobody starts from these
 * offsets: they are there so that Kafka's own tools show the group's lag. A commit that fails is simply made again.
 */
export function announcePositions(
  membership: Membership,
  read: () => readonly (TopicPartition & { readonly offset: number })[],
): { stop(): void } {
  const announced = new Map<string, number>();
  let busy = false;
  const timer = setInterval(() => {
    const moved = read().filter(
      ({ topic, partition, offset }) => announced.get(`${topic}/${partition}`) !== offset,
    );
    if (busy || moved.length === 0) return;
    busy = true;
    const done = (succeeded: boolean): void => {
      busy = false;
      if (!succeeded) return;
      for (const { topic, partition, offset } of moved) announced.set(`${topic}/${partition}`, offset);
    };
    membership.commit(moved).then(
      () => done(true),
      () => done(false),
    );
  }, EVERY_MS);
  return { stop: () => clearInterval(timer) };
}
