import { appendFileSync, createReadStream, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { StenoError } from '../../runtime/errors.ts';
import type { RawRecord } from '../../streams/log.ts';
import { checkEmpty } from '../empty-folder.ts';
import type { AuditSource } from './audit-source.ts';
import type { Seal } from './chain/seal.ts';
import { recordJson } from './record-json.ts';

/**
 * A copy of sealed topics that can be verified without a broker: `seals.jsonl`, a line for each seal, and
 * `records/<topic>.<partition>.jsonl`, a line for each record. Bytes are base64.
 */

const bytes = z.base64().transform((text) => Buffer.from(text, 'base64'));
const recordLine = z.object({
  offset: z.int().min(0),
  timestamp: z.int(),
  key: bytes.nullable(),
  value: bytes.nullable(),
  headers: z.array(z.tuple([z.string(), bytes])),
});
const sealLine = z.object({
  number: z.int(),
  previous: z.string(),
  occurredAt: z.int(),
  ranges: z.array(
    z.object({
      topic: z.string(),
      partition: z.int(),
      from: z.int(),
      to: z.int(),
      root: z.string(),
      marks: bytes,
    }),
  ),
  keyId: z.string(),
  signature: bytes,
});

/** Writes a copy into an empty folder. Throws StenoError `folder_in_use`. */
export interface ExportWriter {
  seal(seal: Seal): void;
  records(records: readonly RawRecord[]): void;
}

export function openExport(folder: string): ExportWriter {
  checkEmpty(folder);
  mkdirSync(join(folder, 'records'), { recursive: true });
  return {
    seal({ number, previous, occurredAt, ranges, keyId, signature }) {
      const line = {
        ...{ number, previous, occurredAt, keyId },
        ranges: ranges.map(({ marks, ...range }) => ({
          ...range,
          marks: Buffer.from(marks).toString('base64'),
        })),
        signature: Buffer.from(signature).toString('base64'),
      };
      appendFileSync(join(folder, 'seals.jsonl'), `${JSON.stringify(line)}\n`);
    },
    records(records) {
      const [first] = records;
      if (first === undefined) return;
      appendFileSync(
        fileOf(folder, first.topic, first.partition),
        records.map((record) => `${JSON.stringify(recordJson(record))}\n`).join(''),
      );
    },
  };
}

/** Opens a copy. Reading throws StenoError `bad_export` that names file and line. */
export function exportedSource(folder: string): AuditSource {
  if (!existsSync(join(folder, 'seals.jsonl'))) {
    throw new StenoError('bad_export', `${folder} holds no copy of sealed topics`, {
      fix: 'name a folder that steno audit export wrote',
    });
  }
  return {
    async readChain(reader) {
      await eachLine(join(folder, 'seals.jsonl'), sealLine, (seal) => reader.take([seal]));
    },
    async readRecords(stretches, onRecords) {
      for (const stretch of stretches) {
        const { topic, partition } = stretch;
        await eachLine(fileOf(folder, topic, partition), recordLine, (line) => {
          if (line.offset < stretch.to) onRecords([{ topic, partition, ...line }]);
        });
      }
    },
    ends: () => Promise.resolve(null),
  };
}

function fileOf(folder: string, topic: string, partition: number): string {
  return join(folder, 'records', `${topic}.${partition}.jsonl`);
}

async function eachLine<S extends z.ZodType>(
  file: string,
  schema: S,
  onLine: (line: z.output<S>) => void,
): Promise<void> {
  if (!existsSync(file)) return;
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(file) })) {
    number += 1;
    const parsed = schema.safeParse(jsonOf(text));
    if (!parsed.success)
      throw new StenoError('bad_export', `${file}, line ${number}, cannot be read`, {
        fix: 'export it again',
      });
    onLine(parsed.data);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
