import { parseArgs } from 'node:util';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel, type KafkaMessage } from 'kafkajs';
import { avroSchemas } from '../../schemas/generated/avro.ts';
import { openTurnStore, type KnownEvent } from './turn-store.ts';

/**
 * Prints one line for each turn: what was asked from conversations.v1, how it ended from turns.v1. Stops at SIGTERM or
 * Ctrl-C and goes on where it was when started again.
 */
const { values } = parseArgs({
  options: {
    brokers: { type: 'string', default: '127.0.0.1:9092' },
    registry: { type: 'string', default: 'http://127.0.0.1:8081' },
    prefix: { type: 'string', default: 'steno' },
    group: { type: 'string', default: 'turn-lines' },
    state: { type: 'string', default: 'turns.sqlite' },
  },
});

/** Names events to this program's own schemas: what older and newer programs write is read as these shapes. */
const readers = {
  MessageSubmitted: parseSchema(avroSchemas.MessageSubmitted),
  TurnMeasured: parseSchema(avroSchemas.TurnMeasured),
};

const registry = new SchemaRegistry({ host: values.registry });
const kafka = new Kafka({
  brokers: values.brokers.split(','),
  clientId: values.group,
  logLevel: logLevel.ERROR,
});
const consumer = kafka.consumer({ groupId: values.group });
const store = openTurnStore(values.state);

function parseSchema(text: string): {
  readonly type: 'record';
  readonly name: string;
  readonly fields: object[];
} {
  // Every generated schema is a record.
  return JSON.parse(text) as ReturnType<typeof parseSchema>;
}

/** Returns the event in a record, or null if this program does not know its type. Throws if the bytes are broken. */
async function decode({ headers, value }: KafkaMessage): Promise<KnownEvent | null> {
  const type = String(headers?.['ce_type']).replace('steno.events.', '');
  if (value === null || (type !== 'MessageSubmitted' && type !== 'TurnMeasured')) return null;
  // The bytes name the schema they were written with; the registry hands it out once.
  const data: unknown = await registry.decode(value, { [SchemaType.AVRO]: { readerSchema: readers[type] } });
  // The types were generated from the reader's schema, so the data has their shape.
  return { type, data } as KnownEvent;
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    void consumer.disconnect().then(() => store.close());
  });
}

await consumer.connect();
await consumer.subscribe({
  topics: [`${values.prefix}.conversations.v1`, `${values.prefix}.turns.v1`],
  fromBeginning: true,
});
await consumer.run({
  autoCommit: false,
  eachBatch: async (payload) => {
    const { batch } = payload;
    const events = await Promise.all(batch.messages.map(decode));
    // The rows are the result: they are safe before the offset says so. After a crash in between, the events come
    // again and their ids are known.
    for (const line of store.apply(events.filter((event) => event !== null)))
      process.stdout.write(`${line}\n`);
    const { topic, partition } = batch;
    await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(batch.lastOffset()) + 1n) }]);
    await payload.heartbeat();
  },
});
