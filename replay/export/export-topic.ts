import type { Reading } from '../of-key.ts';
import { exportPartition } from './export-partition.ts';
import { readManifest, writeManifest, type ExportRequest, type Manifest } from './manifest.ts';

/**
 * Writes what is asked for into a folder, one partition after the other, and goes on where an earlier run of the same export
 * was stopped. One that is complete is left as it is. Throws StenoError `folder_in_use`, as the log does, and the signal's
 * reason once it is aborted.
 */
export async function exportTopic(
  reading: Reading,
  folder: string,
  request: ExportRequest,
): Promise<Manifest> {
  let manifest =
    readManifest(folder, request) ??
    ({
      ...{ version: 1, request, done: [], complete: false },
      stretches: await stretchesOf(reading, request),
    } satisfies Manifest);
  if (manifest.complete) return manifest;
  writeManifest(folder, manifest);
  const sizes = manifest.stretches.map(({ from, to }) => to - from);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  let before = 0;
  for (const [index, stretch] of manifest.stretches.entries()) {
    if (!manifest.done.some(({ partition }) => partition === stretch.partition)) {
      const start = before;
      const done = await exportPartition(
        { ...reading, onProgress: (read) => reading.onProgress(start + read, all) },
        folder,
        { topic: request.topic, ...stretch },
        request,
      );
      manifest = { ...manifest, done: [...manifest.done, done] };
      writeManifest(folder, manifest);
    }
    before += sizes[index] ?? 0;
  }
  manifest = { ...manifest, complete: true };
  writeManifest(folder, manifest);
  return manifest;
}

/** What there is to read now: an export that goes on takes no more than it set out to. */
async function stretchesOf(
  { events }: Reading,
  { topic, from, to }: ExportRequest,
): Promise<Manifest['stretches']> {
  const { log } = events;
  const [firsts, ends, begins, stops] = await Promise.all([
    log.offsets(topic, 'earliest'),
    log.offsets(topic, 'end'),
    from === null ? null : log.offsets(topic, { at: from }),
    to === null ? null : log.offsets(topic, { at: to }),
  ]);
  return ends.map((end, partition) => {
    const first = Math.max(firsts[partition] ?? 0, begins?.[partition] ?? 0);
    return { partition, from: first, to: Math.max(first, Math.min(end, stops?.[partition] ?? end)) };
  });
}
