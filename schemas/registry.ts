import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { CodecError } from './codec-error.ts';
import { avroSchemas } from './generated/avro.ts';
import type { EventType } from './generated/types.ts';
import { registryRequests } from './registry-requests.ts';

/**
 * What stands under a subject, compared with the schema in this code. `loose`: the schema is there, but the subject
 * would let an incompatible one in.
 */
export type SubjectState = 'registered' | 'loose' | 'missing' | 'differs';

/** A Confluent-compatible schema registry. Every method throws Error when it cannot be reached. */
export interface Registry {
  /**
   * Keeps the subject FULL_TRANSITIVE from before its first version on, registers the event's schema under it, and
   * returns its id. Throws an Error with `status` 409 and the registry's reason if it is incompatible.
   */
  register(subject: string, event: EventType): Promise<number>;
  /** Returns the id of exactly this event's schema under the subject, or null. */
  lookup(subject: string, event: EventType): Promise<number | null>;
  state(subject: string, event: EventType): Promise<SubjectState>;
  /** Returns the text of the schema with this id. Throws CodecError unknown_schema_id if there is none. */
  schemaText(id: number): Promise<string>;
}

/** Connects to the registry at `address` (`http://host:port/path`); nothing is sent before the first call. */
export function connectRegistry(
  address: string,
  auth: { username: string; password: string } | null,
): Registry {
  const host = address.replace(/\/$/, '');
  const client = new SchemaRegistry({
    host,
    retry: { retries: 3, initialRetryTimeInSecs: 0.1, maxRetryTimeInSecs: 2 },
    ...(auth === null ? {} : { auth }),
  });
  const { get, post, put } = registryRequests(host, auth);

  async function find(subject: string, event: EventType): Promise<number | 'no subject' | 'no version'> {
    const answer = await post(`/subjects/${encodeURIComponent(subject)}`, { schema: avroSchemas[event] });
    if (answer.status !== 404) return numberOf(answer.body, 'id');
    return numberOf(answer.body, 'error_code') === SUBJECT_NOT_FOUND ? 'no subject' : 'no version';
  }

  async function isStrict(subject: string): Promise<boolean> {
    const { body } = await get(`/config/${encodeURIComponent(subject)}`);
    return fieldOf(body, 'compatibilityLevel') === COMPATIBILITY.FULL_TRANSITIVE;
  }

  return {
    async register(subject, event) {
      // The client library sets a level only where the registry answers 404 for a subject without one; Apicurio
      // answers the global level, and the library then refuses to register. So the level is set here, and first.
      await put(`/config/${encodeURIComponent(subject)}`, { compatibility: COMPATIBILITY.FULL_TRANSITIVE });
      const { id } = await client.register(
        { type: SchemaType.AVRO, schema: avroSchemas[event] },
        { subject, compatibility: COMPATIBILITY.FULL_TRANSITIVE },
      );
      return id;
    },
    async lookup(subject, event) {
      const found = await find(subject, event);
      return typeof found === 'number' ? found : null;
    },
    async state(subject, event) {
      const [found, strict] = await Promise.all([find(subject, event), isStrict(subject)]);
      if (typeof found !== 'number') return found === 'no subject' ? 'missing' : 'differs';
      return strict ? 'registered' : 'loose';
    },
    async schemaText(id) {
      const { status, body } = await get(`/schemas/ids/${id}`);
      if (status === 404) throw new CodecError('unknown_schema_id', `no registry knows schema id ${id}`, id);
      const text = fieldOf(body, 'schema');
      const type = fieldOf(body, 'schemaType') ?? SchemaType.AVRO;
      if (typeof text === 'string' && type === SchemaType.AVRO) return text;
      throw new CodecError('malformed_record', `schema id ${id} is not Avro`, id);
    },
  };
}

/** Confluent's error code for a subject that does not exist; 40403 is a subject without this schema. */
const SUBJECT_NOT_FOUND = 40_401;

function fieldOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null
    ? (body as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function numberOf(body: unknown, name: string): number {
  const value = fieldOf(body, name);
  if (typeof value === 'number') return value;
  throw new Error(`the schema registry's answer lacks ${name}`);
}
