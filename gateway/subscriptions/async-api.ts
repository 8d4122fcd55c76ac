import { z } from 'zod';
import { avroOf } from '../../schemas/avro-of.ts';
import type { EventType } from '../../schemas/generated/types.ts';
import { jsonSchemaOf, type JsonSchema } from '../../schemas/json-schema.ts';
import { isBare } from '../../streams/headers.ts';
import {
  datasets,
  SUBSCRIBABLE,
  requestTopic,
  TIERS,
  topicConfigs,
  topicName,
  type Dataset,
} from '../../streams/topics.ts';
import { eventsQuery } from './plan.ts';

type Json = Readonly<Record<string, unknown>>;

const AVRO = 'application/vnd.apache.avro+json;version=1.9.0';
const catalogue = Object.entries<Dataset>(datasets);

/**
 * Returns the AsyncAPI 3.0 document of an installation: its topics as the operator's own teams read them from Kafka, and
 * the subscriptions of `GET /v1/events`. Made of the topic catalogue and the schemas alone.
 * https://www.asyncapi.com/docs/reference/specification/v3.0.0
 */
export function asyncApiOf(prefix: string, version: string): Json {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Steno events',
      version,
      description:
        'Every message, answer, judgement and measure of a chat platform, as events. Topics show every tenant’s events and are for the operator’s own teams; a tenant subscribes over HTTP and gets what is its own.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      kafka: {
        host: '{brokers}',
        protocol: 'kafka',
        description: 'The brokers, as `steno status` names them.',
        variables: { brokers: { default: '127.0.0.1:9092' } },
      },
      gateway: {
        host: '{gateway}',
        protocol: 'http',
        description: 'Any gateway.',
        variables: { gateway: { default: '127.0.0.1:8080' } },
        security: [{ $ref: '#/components/securitySchemes/key' }],
      },
    },
    channels: Object.fromEntries([
      ...catalogue.map(([name, dataset]) => [name, topicChannel(prefix, dataset)]),
      ['subscription', subscriptionChannel()],
    ]),
    operations: Object.fromEntries([
      ...catalogue.map(([name, { purpose }]) => [
        `read_${name}`,
        { action: 'send', channel: { $ref: `#/channels/${name}` }, summary: purpose },
      ]),
      [
        'subscribe',
        {
          action: 'send',
          channel: { $ref: '#/channels/subscription' },
          summary: 'What is recorded of the tenant, from any place of the log on, as server-sent events.',
          bindings: { http: { method: 'GET', query: querySchema(eventsQuery), bindingVersion: '0.3.0' } },
        },
      ],
    ]),
    components: {
      schemas: componentSchemas(),
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function topicChannel(prefix: string, dataset: Dataset): Json {
  const { events, perPoolAndTier, purpose, partitions } = dataset;
  const address = perPoolAndTier ? requestTopic(prefix, '{pool}', '{tier}') : topicName(prefix, dataset);
  const configs = topicConfigs(dataset);
  return {
    address,
    description: purpose,
    servers: [{ $ref: '#/servers/kafka' }],
    ...(perPoolAndTier
      ? {
          parameters: {
            pool: { description: 'A family of interchangeable models.' },
            tier: { description: 'How urgent it is.', enum: [...TIERS] },
          },
        }
      : {}),
    messages:
      events.length === 0
        ? { original: original(dataset) }
        : Object.fromEntries(events.map((event) => [event, record(dataset, event)])),
    bindings: {
      kafka: {
        ...(perPoolAndTier ? {} : { topic: address }),
        partitions,
        topicConfiguration: {
          'cleanup.policy': [configs['cleanup.policy']],
          'retention.ms': Number(configs['retention.ms']),
          'retention.bytes': Number(configs['retention.bytes']),
          'max.message.bytes': dataset.maxRecordBytes,
        },
        bindingVersion: '0.5.0',
      },
    },
  };
}

function record(dataset: Dataset, event: EventType): Json {
  return {
    name: `steno.events.${event}`,
    summary: avroOf(event).doc,
    contentType: 'application/avro',
    ...(isBare(event) ? {} : { headers: { $ref: '#/components/schemas/headers' } }),
    payload: { $ref: `#/components/schemas/avro.${event}` },
    bindings: {
      kafka: {
        key: keyOf(dataset),
        schemaIdLocation: 'payload',
        schemaIdPayloadEncoding: 'confluent',
        schemaLookupStrategy: dataset.subjects === 'topic' ? 'TopicNameStrategy' : 'TopicRecordNameStrategy',
        bindingVersion: '0.5.0',
      },
    },
  };
}

/** The record of a topic that holds others' bytes. */
function original(dataset: Dataset): Json {
  return {
    name: 'original',
    summary: dataset.purpose,
    contentType: 'application/octet-stream',
    payload: { type: 'string', format: 'binary' },
    bindings: { kafka: { key: keyOf(dataset), bindingVersion: '0.5.0' } },
  };
}

function keyOf({ key }: Dataset): Json {
  return { type: 'string', description: key };
}

/** Events that a subscriber may see, each once, though several topics hold it. */
const subscribable: readonly EventType[] = [
  ...new Set(SUBSCRIBABLE.flatMap((name) => datasets[name].events)),
];

function subscriptionChannel(): Json {
  return {
    address: '/v1/events',
    description: 'Server-sent events, each a CloudEvent 1.0 in JSON.',
    servers: [{ $ref: '#/servers/gateway' }],
    messages: Object.fromEntries(
      subscribable.map((event) => [
        event,
        {
          name: `steno.events.${event}`,
          summary: avroOf(event).doc,
          contentType: 'application/cloudevents+json',
          payload: { $ref: `#/components/schemas/event.${event}` },
        },
      ]),
    ),
  };
}

function querySchema(query: z.ZodType): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(query, { io: 'input' });
  return schema;
}

function componentSchemas(): Json {
  const all = catalogue.flatMap(([, { events }]) => events);
  const avro = all.map((event) => [`avro.${event}`, { schemaFormat: AVRO, schema: avroOf(event) }] as const);
  const json = subscribable.map((event) => [`event.${event}`, cloudEvent(event)] as const);
  return { headers: kafkaHeaders, ...Object.fromEntries(avro), ...Object.fromEntries(json) };
}

const text = { type: 'string' };

/** CloudEvents 1.0 in Kafka's binary content mode. */
const kafkaHeaders: JsonSchema = {
  type: 'object',
  required: ['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_time', 'content-type'],
  properties: {
    ce_specversion: { type: 'string', const: '1.0' },
    ce_id: { type: 'string', description: 'The event id: the same however often the event is written.' },
    ce_source: text,
    ce_type: text,
    ce_time: { type: 'string', format: 'date-time', description: 'The producer’s clock.' },
    ce_subject: { type: 'string', description: 'The key of the record.' },
    ce_dataschema: { type: 'string', description: 'Address of the schema in the registry.' },
    'content-type': { type: 'string', const: 'application/avro' },
    traceparent: { type: 'string', description: 'W3C trace context, where the turn is traced.' },
  },
};

/** What `event-json.ts` writes of an event. */
function cloudEvent(event: EventType): JsonSchema {
  const properties = {
    specversion: { type: 'string', const: '1.0' },
    id: { type: 'string', description: 'The same however often the event is delivered.' },
    source: text,
    type: { type: 'string', const: `steno.events.${event}` },
    time: { type: 'string', format: 'date-time', description: 'The producer’s clock.' },
    datacontenttype: { type: 'string', const: 'application/json' },
    stenotopic: { type: 'string', enum: [...SUBSCRIBABLE] },
    stenopartition: { type: 'integer', minimum: 0 },
    stenooffset: { type: 'integer', minimum: 0 },
    stenorecordedat: { type: 'string', format: 'date-time', description: 'The broker’s clock.' },
    data: jsonSchemaOf(avroOf(event)),
  };
  return {
    type: 'object',
    required: Object.keys(properties),
    properties: { ...properties, subject: { type: 'string', description: 'The conversation or document.' } },
  };
}
