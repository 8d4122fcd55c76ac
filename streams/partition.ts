const MULTIPLIER = 0x5bd1e995;
const SEED = 0x9747b28c;

/**
 * Returns the partition that Kafka's default partitioner gives a key: positive murmur2 of its UTF-8 bytes modulo the
 * partition count. Source: org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner.partitionForKey.
 */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions;
}

function murmur2(data: Uint8Array): number {
  const length = data.length;
  const view = new DataView(data.buffer, data.byteOffset, length);
  let h = SEED ^ length;
  const words = length >> 2;
  for (let index = 0; index < words; index += 1) {
    let k = Math.imul(view.getInt32(index * 4, true), MULTIPLIER);
    k ^= k >>> 24;
    k = Math.imul(k, MULTIPLIER);
    h = Math.imul(h, MULTIPLIER) ^ k;
  }
  const rest = words * 4;
  const tail = length % 4;
  if (tail >= 3) h ^= (data[rest + 2] ?? 0) << 16;
  if (tail >= 2) h ^= (data[rest + 1] ?? 0) << 8;
  if (tail >= 1) h = Math.imul(h ^ (data[rest] ?? 0), MULTIPLIER);
  h ^= h >>> 13;
  h = Math.imul(h, MULTIPLIER);
  h ^= h >>> 15;
  return h;
}

/** A partition's name, as key of a map. */
export function partitionKey(place: { readonly topic: string; readonly partition: number }): string {
  return `${place.topic}/${place.partition}`;
}
