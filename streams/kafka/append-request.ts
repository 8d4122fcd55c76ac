import { ProtocolError, ResponseError, type MessageToProduce } from '@platformatic/kafka';
import { StenoError } from '../../runtime/errors.ts';
import type { NewRecord } from '../log.ts';

/** Returns a record as the client library takes it. */
export function toMessage(record: NewRecord): MessageToProduce {
  const message: MessageToProduce = {
    topic: record.topic,
    partition: record.partition,
    key: Buffer.from(record.key),
    value: record.value,
  };
  if (record.headers !== undefined && record.headers.size > 0) {
    const headers = new Map<Buffer, Buffer>();
    for (const [name, value] of record.headers) {
      headers.set(Buffer.from(name), typeof value === 'string' ? Buffer.from(value) : value);
    }
    message.headers = headers;
  }
  return message;
}

/** Wraps what the client library threw at a send. */
export function appendError(cause: unknown): StenoError {
  const problems = flatten(cause).filter((item) => item instanceof ProtocolError);
  if (problems.some(({ apiId }) => apiId === 'MESSAGE_TOO_LARGE' || apiId === 'RECORD_LIST_TOO_LARGE')) {
    return new StenoError('record_too_large', 'a record is larger than its topic allows', { cause });
  }
  return new StenoError(
    'append_unknown',
    'the log did not acknowledge an append: it may or may not be there',
    {
      retryable: true,
      cause,
    },
  );
}

/**
 * Returns the partitions ("topic/partition") that the broker refused in the one request that failed, or null if that
 * cannot be told: no answer, several requests, or a retry.
 */
export function refusedPartitions(cause: unknown): ReadonlySet<string> | null {
  const all = flatten(cause);
  const responses = all.filter((item) => item instanceof ResponseError);
  const [response] = responses;
  const unclear = all.some(
    (item) => !(item instanceof ProtocolError) && !(item instanceof ResponseError) && !isWrapper(item),
  );
  if (response === undefined || responses.length > 1 || unclear) return null;
  // The library types the response as unknown; its shape is that of the Produce response.
  const { responses: topics } = response['response'] as ProduceResponse;
  return new Set(
    topics.flatMap(({ name, partitionResponses }) =>
      partitionResponses.filter(({ errorCode }) => errorCode !== 0).map(({ index }) => `${name}/${index}`),
    ),
  );
}

type ProduceResponse = {
  readonly responses: readonly {
    readonly name: string;
    readonly partitionResponses: readonly { readonly index: number; readonly errorCode: number }[];
  }[];
};

function isWrapper(error: Error): boolean {
  return 'errors' in error && Array.isArray(error.errors) && error.errors.length > 0;
}

function flatten(error: unknown): readonly Error[] {
  if (!(error instanceof Error)) return [];
  const nested: readonly unknown[] = 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  return [error, ...nested.flatMap(flatten)];
}
