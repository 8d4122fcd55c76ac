/** What Kafka stores, before anybody decoded it. */
export type RawRecord = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The broker's append time in milliseconds since 1970; never a producer's clock. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [string, Buffer])[];
};

/** A record to append. The partition is decided by the caller: see `partitionOf`. */
export type NewRecord = {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer;
  readonly headers?: ReadonlyMap<string, string | Buffer>;
};

/** Records of one partition in log order, and how far the partition reaches. */
export type Batch = {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly RawRecord[];
  /** Offset of the next record after this batch; records in between may be missing (compaction, control records). */
  readonly nextOffset: number;
  /** Offsets of the records that were given to this reader again, out of dead letters; left out if there are none. */
  readonly redriven?: readonly number[];
  /** Offset that the next appended record would have had when the batch was read. */
  readonly highWatermark: number;
};

/** Appends records; whatever waits travels together, one request at a time, in call order. */
export interface Appender {
  /**
   * Resolves when every in-sync replica has the records. Throws StenoError `append_unknown` (retryable: the records may
   * or may not be on the log) or `record_too_large`.
   */
  append(records: readonly NewRecord[]): Promise<void>;
  /** Records accepted and not yet acknowledged. */
  readonly pending: number;
  /** Waits for what is pending, then closes. */
  close(): Promise<void>;
}

/** Reads partitions from positions of our own, without a group. */
export interface Follower {
  /**
   * Starts reading a partition and returns the offset it starts at; `from` is an offset, or the partition's first or
   * next offset. Throws StenoError `topic_missing` or `broker_unreachable` (retryable).
   */
  add(topic: string, partition: number, from: number | 'earliest' | 'end'): Promise<number>;
  remove(topic: string, partition: number): void;
  stop(): Promise<void>;
}

export type FollowOptions = {
  readonly name: string;
  /**
   * Whether this reader sees what was given again to the group named. Left out, it sees none of it: a redrive is for the
   * failing group only.
   */
  readonly seesRedriven?: (group: string) => boolean;
  /**
   * A partition is not fetched while its batch is being handled, and little of it at once: for a reader that may be slow
   * for long. Left out, some is fetched ahead.
   */
  readonly isPatient?: boolean;
  /** Called in log order per partition; its next batch is handed over when the promise has resolved. */
  readonly onBatch: (batch: Batch) => void | Promise<void>;
  /** A batch handler threw, or the log refuses for ever: the reader has stopped. */
  readonly onFailure: (error: unknown) => void;
};

export type TopicPartition = { readonly topic: string; readonly partition: number };

export type JoinOptions = {
  readonly group: string;
  readonly topics: readonly string[];
  /** Partitions that are newly ours; kept ones are not named again. */
  readonly onAssigned: (partitions: readonly TopicPartition[]) => void;
  /** Partitions no longer ours: nothing may be appended for them any more. */
  readonly onRevoked: (partitions: readonly TopicPartition[]) => void;
  readonly onFailure: (error: unknown) => void;
};

/** Membership in a consumer group: who reads which partition. Reading itself is a Follower's. */
export interface Membership {
  /** False once the last successful heartbeat was sent longer ago than the session time-out. */
  isFresh(): boolean;
  /** Commits the next offset of each partition to the group. */
  commit(offsets: readonly (TopicPartition & { readonly offset: number })[]): Promise<void>;
  /** Offsets committed to the group; partitions without one are left out. */
  committed(
    partitions: readonly TopicPartition[],
  ): Promise<readonly (TopicPartition & { readonly offset: number })[]>;
  leave(): Promise<void>;
}

/** A topic as it shall be, or as it is. */
export type TopicSettings = {
  readonly name: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
};

/**
 * How long a record may wait for company under load: `now` somebody waits for a first token, `soon` somebody reads along
 * or waits for the end of an answer, `later` nobody waits. A lone record of the first two never waits.
 */
export type Urgency = 'now' | 'soon' | 'later';

/** The log as a process sees it. */
export interface Log {
  /** `now` if left out. */
  openAppender(name: string, urgency?: Urgency): Appender;
  openFollower(options: FollowOptions): Follower;
  join(options: JoinOptions): Promise<Membership>;
  /** Number of partitions of a topic. Throws StenoError `topic_missing`. */
  partitionCount(topic: string): Promise<number>;
  /** Kafka's id of a topic: another one under the same name is another log. Throws StenoError `topic_missing`. */
  topicId(topic: string): Promise<string>;
  /**
   * First or next offset of each partition of a topic, by partition; or the offset of the first record appended at or
   * after a time in milliseconds since 1970, the next offset where there is none.
   */
  offsets(topic: string, which: 'earliest' | 'end' | { readonly at: number }): Promise<readonly number[]>;
  close(): Promise<void>;
}
