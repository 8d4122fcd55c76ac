import { userInfo } from 'node:os';

/** Who calls from the command line, for the record. */
export function commandLineActor(): string {
  return `cli:${userInfo().username}`;
}
