import type { TopicPartition } from './log.ts';

/** How far a group came in a partition. `end` is the offset of the next record; the lag is `end - committed`. */
export type GroupLag = TopicPartition & {
  readonly group: string;
  readonly committed: number;
  readonly end: number;
};

/** A consumer group as its coordinator sees it. */
export type GroupState = {
  readonly group: string;
  /** `stable` with members that read; `moving` while they share partitions anew; `empty` without members. */
  readonly state: 'stable' | 'moving' | 'empty';
  readonly members: number;
};

/** What the cluster knows of the groups of an installation. Both throw StenoError `broker_unreachable` (retryable). */
export interface Cluster {
  /** Every partition for which a group with this prefix committed an offset. */
  lag(groupPrefix: string): Promise<readonly GroupLag[]>;
  groups(groupPrefix: string): Promise<readonly GroupState[]>;
  close(): Promise<void>;
}
