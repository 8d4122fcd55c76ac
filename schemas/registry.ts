import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { CodecError } from './codec-error.ts';
import { avroSchemas } from './generated/avro.ts';
import type { EventType } from './generated/types.ts';

/** What stands under a subject, compared with the schema in this code. */
export type SubjectState = 'registered' | 'missing' | 'differs';

/** A Confluent-compatible schema registry. Every method throws Error when it cannot be reached. */
export interface Registry {
  /** Registers the event's schema under a subject kept FULL_TRANSITIVE; returns its id. Throws if it is incompatible. */
  register(subject: string, event: EventType): Promise<number>;
  /** Returns the id of exactly this event's schema under the subject, or null. */
  lookup(subject: string, event: EventType): Promise<number | null>;
  /** Returns the text of the schema with this id. Throws CodecError unknown_schema_id if there is none. */
  schemaText(id: number): Promise<string>;
}

/** Connects to the registry at `address` (`http://host:port/path`); nothing is sent before the first call. */
export function connectRegistry(address: string, auth: { username: string; password: string } | null): Registry {
  const client = new SchemaRegistry({
    host: address.replace(/\/$/, ''),
    retry: { retries: 3, initialRetryTimeInSecs: 0.1, maxRetryTimeInSecs: 2 },
    ...(auth === null ? {} : { auth }),
  });
  return {
    async register(subject, event) {
      const { id } = await client.register(
        { type: SchemaType.AVRO, schema: avroSchemas[event] },
        { subject, compatibility: COMPATIBILITY.FULL_TRANSITIVE, updateConfig: true },
      );
      return id;
    },
    async lookup(subject, event) {
      try {
        return await client.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema: avroSchemas[event] });
      } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
      }
    },
    async schemaText(id) {
      try {
        const schema = await client.getSchema(id);
        if ('schema' in schema && typeof schema.schema === 'function') return JSON.stringify(schema.schema());
        throw new CodecError('malformed_record', `schema id ${id} is not Avro`, id);
      } catch (error) {
        if (isNotFound(error)) throw new CodecError('unknown_schema_id', `no registry knows schema id ${id}`, id, error);
        throw error;
      }
    },
  };
}

function isNotFound(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && error.status === 404;
}
