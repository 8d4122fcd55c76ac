/**
 * Why bytes and events cannot be turned into each other.
 * `invalid_event`: the event breaks its schema. `unknown_schema_id`: nobody told this codec about the id.
 * `malformed_record`: the bytes are not what their schema says, or claim more than they hold.
 */
export class CodecError extends Error {
  readonly code: 'invalid_event' | 'unknown_schema_id' | 'malformed_record';
  readonly schemaId: number | null;

  constructor(code: CodecError['code'], message: string, schemaId: number | null = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CodecError';
    this.code = code;
    this.schemaId = schemaId;
  }
}
