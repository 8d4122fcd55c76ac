import { setTimeout as pause } from 'node:timers/promises';
import { CodecError } from '../../schemas/codec-error.ts';
import type { EventLog } from '../../streams/event-log.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { isType } from '../../streams/event.ts';
import type { Batch, RawRecord } from '../../streams/log.ts';
import type { ReplyEvent } from '../../streams/read-deltas.ts';

const LEARN_PAUSE_MS = 250;

type Dispatch = {
  readonly events: EventLog;
  /** True if somebody here reads the inference: other records are not even decoded. */
  readonly isWanted: (inferenceId: string) => boolean;
  readonly deliver: (inferenceId: string, offset: number, event: ReplyEvent) => void;
  /** A record that cannot be decoded was left out. */
  readonly onPoison: () => void;
  readonly isStopped: () => boolean;
};

/**
 * Hands the records of a reply partition to whoever reads their inference, in log order and without waiting, except
 * where a schema id is new: then the rest of the batch waits for the registry.
 */
export function dispatch(batch: Batch, to: Dispatch): void | Promise<void> {
  const { records } = batch;
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index];
    if (record === undefined) continue;
    const unknown = handOver(record, to);
    if (unknown !== null) return dispatchRest(records, index, unknown, to);
  }
}

async function dispatchRest(
  records: readonly RawRecord[],
  from: number,
  schemaId: number,
  to: Dispatch,
): Promise<void> {
  let unknown: number | null = schemaId;
  for (const record of records.slice(from)) {
    unknown ??= handOver(record, to);
    while (unknown !== null && !to.isStopped()) {
      if (!(await learn(unknown, to))) break;
      unknown = handOver(record, to);
    }
    unknown = null;
  }
}

/** Returns the schema id that has to be learned first, or null. */
function handOver(record: RawRecord, to: Dispatch): number | null {
  const inferenceId = record.key?.toString('latin1') ?? '';
  if (!to.isWanted(inferenceId)) return null;
  let event: LoggedEvent;
  try {
    event = to.events.decode(record);
  } catch (error) {
    if (error instanceof CodecError && error.code === 'unknown_schema_id' && error.schemaId !== null)
      return error.schemaId;
    to.onPoison();
    return null;
  }
  if (isType(event, 'AttemptStarted', 'InferenceDelta', 'InferenceEnded', 'InferenceAttached')) {
    to.deliver(inferenceId, record.offset, event);
  }
  return null;
}

/** False if no event can read the schema. A registry that does not answer is waited for. */
async function learn(schemaId: number, to: Dispatch): Promise<boolean> {
  while (!to.isStopped()) {
    try {
      await to.events.learn(schemaId);
      return true;
    } catch (error) {
      if (error instanceof CodecError) {
        to.onPoison();
        return false;
      }
      await pause(LEARN_PAUSE_MS);
    }
  }
  return false;
}
