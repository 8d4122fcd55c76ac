import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../../runtime/errors.ts';
import { CodecError } from '../../schemas/codec-error.ts';
import type { LoggedEvent } from '../event.ts';
import type { EventLog } from '../event-log.ts';
import type { RawRecord } from '../log.ts';

/** A record that no reader of ours can make sense of. */
export type Poison = { readonly record: RawRecord; readonly error: CodecError };

export type Decoded = { readonly events: readonly LoggedEvent[]; readonly poison: readonly Poison[] };

const REGISTRY_PAUSE_MS = 500;

/**
 * Decodes records in order. A schema id that is not known yet is asked for; a registry that cannot be reached is a
 * wait, an id unknown to a reachable registry is poison. Synchronous as long as every id is known.
 */
export function decodeBatch(
  log: EventLog,
  records: readonly RawRecord[],
  signal: AbortSignal,
): Decoded | Promise<Decoded> {
  const events: LoggedEvent[] = [];
  const poison: Poison[] = [];
  return resume(0);

  function resume(from: number): Decoded | Promise<Decoded> {
    for (let index = from; index < records.length; index += 1) {
      const record = records[index];
      if (record === undefined) break;
      try {
        events.push(log.decode(record));
      } catch (error) {
        if (!(error instanceof CodecError)) throw error;
        if (error.code === 'unknown_schema_id' && error.schemaId !== null)
          return learn(record, error.schemaId, index);
        poison.push({ record, error });
      }
    }
    return { events, poison };
  }

  async function learn(record: RawRecord, schemaId: number, index: number): Promise<Decoded> {
    while (!signal.aborted) {
      try {
        await log.learn(schemaId);
        return await resume(index);
      } catch (error) {
        if (error instanceof CodecError) {
          poison.push({ record, error });
          return resume(index + 1);
        }
        if (errorCode(error) !== 'registry_unreachable') throw error;
        await pause(REGISTRY_PAUSE_MS);
      }
    }
    return { events, poison };
  }
}
