import type { EventLog } from '../../streams/event-log.ts';
import type { RawRecord } from '../../streams/log.ts';
import { readStretches, type Stretch } from '../../streams/runner/read-stretches.ts';
import type { ChainReader } from './read-chain.ts';

/** Where sealed records lie: on the log, or in a copy of it. */
export interface AuditSource {
  /** Hands the chain to a reader. */
  readChain(reader: ChainReader): Promise<void>;
  /** Hands over records of each stretch in their order; what is not there is passed over. */
  readRecords(
    stretches: readonly Stretch[],
    onRecords: (records: readonly RawRecord[]) => void,
  ): Promise<void>;
  /** Next offset of each partition of a topic; null where the source has nothing of it. */
  ends(topic: string): Promise<readonly number[] | null>;
}

/** The log itself. Throws as the log does. */
export function logSource(
  events: EventLog,
  topic: string,
  signal: AbortSignal,
  onProgress: (read: number, all: number) => void = () => undefined,
): AuditSource {
  return {
    readChain: (reader) => reader.catchUp(events, topic, signal),
    readRecords: (stretches, onRecords) =>
      readStretches(events.log, stretches, {
        name: 'audit-verify',
        onRecords: (_place, records) => onRecords(records),
        onProgress,
        signal,
      }),
    ends: (name) => events.log.offsets(name, 'end'),
  };
}
