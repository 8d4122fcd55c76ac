import { avroSchemas } from './generated/avro.ts';
import type { EventType } from './generated/types.ts';
import type { AvroRecord } from './sources.ts';

/** Returns the self-contained Avro schema of an event, as registered. */
export function avroOf(event: EventType): AvroRecord {
  // Written by schemas/generate.ts from the sources, whose shape it checks.
  return JSON.parse(avroSchemas[event]) as AvroRecord;
}
