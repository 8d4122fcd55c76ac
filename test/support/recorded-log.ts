import { createCodec } from '../../schemas/codec.ts';
import type { LoggedEvent } from '../../streams/event.ts';

/** A small log kept for ever: the schemas its records were written with, and the records of one topic, bytes and all. */
export type RecordedLog = {
  readonly issue: number;
  readonly title: string;
  /** Schema text by id. */
  readonly schemas: Readonly<Record<string, string>>;
  readonly records: readonly {
    readonly partition: number;
    readonly offset: number;
    readonly timestamp: number;
    readonly key: string;
    /** The value's bytes in base64. */
    readonly value: string;
  }[];
  /** What the code of that time made of it, by message: status and SHA-256 of the answer. */
  readonly turns: readonly {
    readonly messageId: string;
    readonly status: string;
    readonly answerHash: string;
  }[];
};

/** Decodes a recorded log with the newest readers, in log order. Throws if one of its records no longer decodes. */
export function decodeLog(log: RecordedLog): readonly LoggedEvent[] {
  const codec = createCodec(new Map());
  for (const [id, schema] of Object.entries(log.schemas)) codec.learn(Number(id), schema);
  return log.records.map((record) => {
    const { type, data } = codec.decode(Buffer.from(record.value, 'base64'));
    const { partition, offset, timestamp: time } = record;
    // Type and data belong together: the codec has just decoded them as one.
    return { type, data, topic: 'conversations', partition, offset, time, trace: null } as LoggedEvent;
  });
}
