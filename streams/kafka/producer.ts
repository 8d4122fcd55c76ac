import { setTimeout as pause } from 'node:timers/promises';
import { Producer } from '@platformatic/kafka';
import { StenoError } from '../../runtime/errors.ts';
import type { NewRecord } from '../log.ts';
import { partitionKey } from '../partition.ts';
import { baseOptions, connectionOptions, type KafkaOptions } from './connection.ts';
import { BrokerConnections } from './wire/broker-connections.ts';
import { decodeProduce, encodeBatch, encodeProduce, PRODUCE, type WrittenBatch } from './wire/produce.ts';
import type { ProducerIdentity } from './wire/record-batch.ts';

/** What became of the records of one partition: null if every in-sync replica has them. */
export type Outcome = StenoError | null;

/** Sends records as one idempotent producer. One call at a time. */
export interface IdempotentProducer {
  /**
   * Resolves with what became of each partition ("topic/partition"): `record_too_large`, or `append_unknown` for what
   * was not acknowledged within the retries. Never throws.
   */
  send(records: readonly NewRecord[]): Promise<ReadonlyMap<string, Outcome>>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 5_000;
const TRIES = 8;
const RETRY_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

/** Kafka protocol error codes. */
const TOO_LARGE: ReadonlySet<number> = new Set([10, 18]);
/** DUPLICATE_SEQUENCE_NUMBER: the batch is on the log already. */
const THERE_ALREADY = 46;
/**
 * The same bytes may succeed later or elsewhere: a moved leader (3, 5, 6, 56, 74, 75), too few replicas (19, 20), time
 * (7), the network (2, 13).
 */
const RETRIABLE: ReadonlySet<number> = new Set([2, 3, 5, 6, 7, 13, 19, 20, 56, 74, 75]);

type Broker = { readonly host: string; readonly port: number };
type Leaders = {
  readonly brokers: ReadonlyMap<number, Broker>;
  readonly byPartition: ReadonlyMap<string, number>;
};

/**
 * Opens a producer. A batch is written once and repeated byte by byte, so that the broker drops what it has. After a
 * result that nobody knows the producer takes a new identity: what it sends then is new to the broker.
 */
export function openProducer(options: KafkaOptions, name: string): IdempotentProducer {
  const base = baseOptions(options, name);
  // For identities and metadata; records travel on a connection of their own.
  const client = new Producer({ ...base, idempotent: true, strict: false });
  const connections = new BrokerConnections(base.clientId, connectionOptions(base));
  const sequences = new Map<string, number>();
  let identity: ProducerIdentity | null = null;
  let leaders: Leaders = { brokers: new Map(), byPartition: new Map() };

  async function identify(): Promise<ProducerIdentity> {
    if (identity !== null) return identity;
    const { producerId, producerEpoch } = await client.initIdempotentProducer({});
    sequences.clear();
    identity = { id: producerId, epoch: producerEpoch };
    return identity;
  }

  async function locate(topics: readonly string[]): Promise<void> {
    const found = await client.metadata({ topics: [...topics], forceUpdate: true });
    const byPartition = new Map(leaders.byPartition);
    for (const [topic, { partitions }] of found.topics) {
      for (const [index, { leader }] of partitions.entries()) byPartition.set(`${topic}/${index}`, leader);
    }
    leaders = { brokers: found.brokers, byPartition };
  }

  /** Sends what is left to whoever leads it, and returns what to try again. */
  async function attempt(
    left: readonly WrittenBatch[],
    outcomes: Map<string, Outcome>,
  ): Promise<readonly WrittenBatch[]> {
    const unknown = left.filter((batch) => !leaders.byPartition.has(partitionKey(batch)));
    if (unknown.length > 0) await locate([...new Set(unknown.map(({ topic }) => topic))]);
    const again: WrittenBatch[] = [];
    const byLeader = Map.groupBy(left, (batch) => leaders.byPartition.get(partitionKey(batch)) ?? -1);
    await Promise.all(
      [...byLeader].map(async ([leader, batches]) => {
        const broker = leaders.brokers.get(leader);
        if (broker === undefined) return again.push(...batches);
        const byKey = new Map(batches.map((batch) => [partitionKey(batch), batch]));
        try {
          const results = await connections.ask(
            broker,
            PRODUCE,
            encodeProduce(batches, TIMEOUT_MS),
            decodeProduce,
          );
          for (const result of results) {
            const batch = byKey.get(partitionKey(result));
            if (batch === undefined) continue;
            byKey.delete(partitionKey(result));
            if (RETRIABLE.has(result.errorCode)) again.push(batch);
            else settle(batch, result.errorCode, outcomes);
          }
        } catch {
          // No answer: it may be there or not. The same bytes again find out.
        }
        return again.push(...byKey.values());
      }),
    );
    return again;
  }

  function settle(batch: WrittenBatch, errorCode: number, outcomes: Map<string, Outcome>): void {
    const key = partitionKey(batch);
    if (errorCode === 0 || errorCode === THERE_ALREADY) {
      sequences.set(key, nextSequence(batch));
      outcomes.set(key, null);
    } else if (TOO_LARGE.has(errorCode)) {
      outcomes.set(key, new StenoError('record_too_large', 'a record is larger than its topic allows'));
    } else {
      outcomes.set(key, unknownAppend(errorCode));
    }
  }

  async function sendAll(records: readonly NewRecord[], outcomes: Map<string, Outcome>): Promise<void> {
    const producer = await identify();
    const now = Date.now();
    let left: readonly WrittenBatch[] = [...Map.groupBy(records, partitionKey)].map(([key, list]) =>
      encodeBatch({ ...placeOf(list), records: list, sequence: sequences.get(key) ?? 0 }, producer, now),
    );
    for (let tries = 1; ; tries += 1) {
      left = await attempt(left, outcomes);
      if (left.length === 0 || tries === TRIES) return;
      await pause(Math.min(RETRY_PAUSE_MS * 2 ** tries, MAX_PAUSE_MS));
      leaders = { brokers: new Map(), byPartition: new Map() };
    }
  }

  return {
    async send(records) {
      const outcomes = new Map<string, Outcome>();
      let cause: unknown;
      try {
        await sendAll(records, outcomes);
      } catch (error) {
        cause = error;
      }
      for (const record of records) {
        const key = partitionKey(record);
        if (!outcomes.has(key)) outcomes.set(key, unknownAppend(null, cause));
      }
      if ([...outcomes.values()].some((outcome) => outcome?.code === 'append_unknown')) identity = null;
      return outcomes;
    },
    async close() {
      await connections.close();
      await client.close(true);
    },
  };
}

/** Sequence numbers go round after 2^31 - 1. Source: KIP-98. */
function nextSequence({ sequence, records }: WrittenBatch): number {
  return (sequence + records.length) % 2 ** 31;
}

function placeOf([first]: readonly NewRecord[]): { readonly topic: string; readonly partition: number } {
  if (first === undefined) throw new RangeError('a batch has a record');
  return first;
}

function unknownAppend(errorCode: number | null, cause?: unknown): StenoError {
  return new StenoError(
    'append_unknown',
    'the log did not acknowledge an append: it may or may not be there',
    {
      retryable: true,
      ...(errorCode === null ? {} : { facts: { errorCode } }),
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
