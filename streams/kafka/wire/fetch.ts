import { ByteReader, ByteWriter } from './bytes.ts';

/** Fetch requests and responses. Source: Kafka protocol guide, Fetch API (key 1), version 13; KIP-227 for sessions. */
export const FETCH = { key: 1, version: 13 } as const;

/** A partition and the offset to read next; `topicId` is Kafka's: 32 hexadecimal digits, with or without hyphens. */
export type Wanted = {
  readonly topicId: string;
  readonly partition: number;
  /** As `wireKey` has it. */
  readonly wireKey: string;
  readonly next: number;
};

export type FetchRequest = {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitionMaxBytes: number;
  /** 0 and 0 for the first of a session. */
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly wanted: readonly Wanted[];
  readonly forgotten: readonly Pick<Wanted, 'topicId' | 'partition'>[];
};

export type FetchedPartition = {
  /** As `wireKey` has it. */
  readonly wireKey: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  /** Record batches; null for none. */
  readonly records: Buffer | null;
};

export type FetchResponse = {
  readonly errorCode: number;
  /** 0 if the broker keeps no session. */
  readonly sessionId: number;
  readonly partitions: readonly FetchedPartition[];
};

const REPLICA_OF_A_CONSUMER = -1;
const READ_UNCOMMITTED = 0;
const UUID_BYTES = 16;

/** A partition as the responses name it. */
export function wireKey(topicId: string, partition: number): string {
  return `${idBytes(topicId).toString('latin1')}${partition}`;
}

export function encodeFetch(request: FetchRequest): Buffer {
  const writer = new ByteWriter(256 + 40 * (request.wanted.length + request.forgotten.length));
  writer.int32(REPLICA_OF_A_CONSUMER);
  writer.int32(request.maxWaitMs);
  writer.int32(request.minBytes);
  writer.int32(request.maxBytes);
  writer.int8(READ_UNCOMMITTED);
  writer.int32(request.sessionId);
  writer.int32(request.sessionEpoch);
  writeTopics(writer, request.wanted, ({ partition, next }) => {
    writer.int32(partition);
    writer.int32(-1); // the leader's epoch is not known
    writer.int64(next);
    writer.int32(-1); // nor that of what was fetched last
    writer.int64(-1);
    writer.int32(request.partitionMaxBytes);
    writer.uvarint(0);
  });
  writeTopics(writer, request.forgotten, ({ partition }) => writer.int32(partition));
  writer.compactString(''); // no rack
  writer.uvarint(0);
  return writer.finish();
}

function writeTopics<T extends Pick<Wanted, 'topicId' | 'partition'>>(
  writer: ByteWriter,
  items: readonly T[],
  write: (item: T) => void,
): void {
  const byTopic = Map.groupBy(items, ({ topicId }) => topicId);
  writer.uvarint(byTopic.size + 1);
  for (const [topicId, list] of byTopic) {
    writer.bytes(idBytes(topicId));
    writer.uvarint(list.length + 1);
    for (const item of list) write(item);
    writer.uvarint(0);
  }
}

/** Reads the body of a response. Throws RangeError for bytes that are none. */
export function decodeFetch(bytes: Buffer): FetchResponse {
  const reader = new ByteReader(bytes);
  reader.int32(); // throttle time: the broker waits, not we
  const errorCode = reader.int16();
  const sessionId = reader.int32();
  const partitions: FetchedPartition[] = [];
  for (let topics = reader.compactCount(); topics > 0; topics -= 1) {
    const topicKey = reader.binary(UUID_BYTES);
    for (let count = reader.compactCount(); count > 0; count -= 1)
      partitions.push(decodePartition(reader, topicKey));
    reader.tags();
  }
  return { errorCode, sessionId, partitions };
}

function decodePartition(reader: ByteReader, topicKey: string): FetchedPartition {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  reader.int64(); // last stable offset
  reader.int64(); // first offset
  for (let aborted = reader.compactCount(); aborted > 0; aborted -= 1) {
    reader.skip(16);
    reader.tags();
  }
  reader.int32(); // preferred replica: we name no rack
  const length = reader.uvarint() - 1;
  const records = length > 0 ? reader.bytes(length) : null;
  reader.tags();
  return { wireKey: `${topicKey}${partition}`, partition, errorCode, highWatermark, records };
}

const known = new Map<string, Buffer>();
const MOST_KNOWN = 1_000;

function idBytes(topicId: string): Buffer {
  const found = known.get(topicId);
  if (found !== undefined) return found;
  const bytes = Buffer.from(topicId.replaceAll('-', ''), 'hex');
  if (known.size < MOST_KNOWN) known.set(topicId, bytes);
  return bytes;
}
