import type { RawRecord } from '../../streams/log.ts';

/** What Kafka keeps of a record but for its place, as JSON has it: bytes are base64. */
export function recordJson({ offset, timestamp, key, value, headers }: RawRecord) {
  return {
    ...{ offset, timestamp },
    ...{ key: key?.toString('base64') ?? null, value: value?.toString('base64') ?? null },
    headers: headers.map(([name, data]) => [name, data.toString('base64')] as const),
  };
}
