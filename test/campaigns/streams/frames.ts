const SIZE_BYTES = 4;

/** Returns what takes the chunks of a Kafka connection and hands on whole requests or answers, their size included. */
export function splitFrames(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let length = 0;
  return (chunk) => {
    parts.push(chunk);
    length += chunk.length;
    const [first] = parts;
    // A large answer comes in many chunks: they are joined once, when all are there.
    if (first !== undefined && first.length >= SIZE_BYTES && length < first.readInt32BE(0) + SIZE_BYTES)
      return;
    let data = parts.length === 1 ? chunk : Buffer.concat(parts);
    while (data.length >= SIZE_BYTES && data.length >= data.readInt32BE(0) + SIZE_BYTES) {
      const size = data.readInt32BE(0) + SIZE_BYTES;
      onFrame(data.subarray(0, size));
      data = data.subarray(size);
    }
    parts = data.length === 0 ? [] : [data];
    length = data.length;
  };
}
