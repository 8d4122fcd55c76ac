import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseGolden, type Golden } from '../../../schemas/golden.ts';
import { avroSchemas } from '../../../schemas/generated/avro.ts';
import type { EventType } from '../../../schemas/generated/types.ts';

const FOLDER = fileURLToPath(new URL('../../fixtures/golden', import.meta.url));

/** Every golden file: bytes that a released version of a schema wrote. */
export type GoldenFile = Golden & {
  readonly type: EventType;
  readonly version: number;
  readonly text: string;
};

export const eventTypes = Object.keys(avroSchemas) as readonly EventType[];

export const goldenFiles: readonly GoldenFile[] = eventTypes.flatMap((type) =>
  readdirSync(`${FOLDER}/${type}`).map((file) => {
    const text = readFileSync(`${FOLDER}/${type}/${file}`, 'utf8');
    return { ...parseGolden(text), type, version: Number.parseInt(file, 10), text };
  }),
);

/** Puts a body into the Confluent wire format. */
export function wire(schemaId: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(schemaId, 1);
  return Buffer.concat([head, body]);
}
