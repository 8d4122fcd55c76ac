import type { RecordsBatch } from '@platformatic/kafka';
import type { RawRecord } from '../log.ts';

const LOG_APPEND_TIME = 0x08;
const CONTROL = 0x20;
const NO_HEADERS: RawRecord['headers'] = [];

/**
 * Returns the records from `from` on, and the offset after the last batch. A fetched batch may begin before the
 * position. Under LogAppendTime every record has the batch's maxTimestamp (Kafka protocol, "Record Batch": attribute
 * bit 3); the client library would return the producer's clock.
 */
export function readBatches(
  topic: string,
  partition: number,
  batches: readonly RecordsBatch[],
  from: number,
): { readonly records: readonly RawRecord[]; readonly nextOffset: number } {
  const records: RawRecord[] = [];
  let nextOffset = from;
  for (const batch of batches) {
    const first = Number(batch.firstOffset);
    nextOffset = Math.max(nextOffset, first + batch.lastOffsetDelta + 1);
    if ((batch.attributes & CONTROL) !== 0) continue;
    const appended = (batch.attributes & LOG_APPEND_TIME) !== 0;
    const batchTime = Number(appended ? batch.maxTimestamp : batch.firstTimestamp);
    for (const record of batch.records) {
      const offset = first + record.offsetDelta;
      if (offset < from) continue;
      records.push({
        topic,
        partition,
        offset,
        timestamp: appended ? batchTime : batchTime + Number(record.timestampDelta),
        key: record.key,
        value: record.value,
        headers: record.headers.length === 0 ? NO_HEADERS : readHeaders(record.headers),
      });
    }
  }
  return { records, nextOffset };
}

function readHeaders(headers: readonly (readonly [Buffer | null, Buffer | null])[]): RawRecord['headers'] {
  return headers.map(([name, value]) => [name?.toString('utf8') ?? '', value ?? Buffer.alloc(0)]);
}
