import { userInfo } from 'node:os';
import { readVersion } from '../runtime/version.ts';
import type { Producer } from '../schemas/generated/types.ts';

/** Who calls from the command line, for the record. */
export function commandLineActor(): string {
  return `cli:${userInfo().username}`;
}

/** Which program writes an event from the command line. */
export function commandLineProducer(): Producer {
  return { service: 'cli', version: readVersion() };
}
