import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { readFields, type Field } from './protobuf.ts';

/** A span as a collector gets it. */
export type ReceivedSpan = {
  readonly service: string;
  readonly name: string;
  readonly kind: string;
  readonly traceId: string;
  readonly spanId: string;
  /** "" for a root. */
  readonly parentId: string;
  /** Span ids that it links to. */
  readonly links: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly hasError: boolean;
};

/** A collector that takes OTLP over HTTP as protobuf and keeps what it gets. */
export type OtlpReceiver = {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** Bodies as they came, to look for what must not be in them. */
  readonly bodies: Buffer[];
  stop(): Promise<void>;
};

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const ERROR = 2n;

/** `status` is what it answers. */
export async function startOtlpReceiver(status = 200): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      if (request.url === '/v1/traces' && status === 200) {
        bodies.push(body);
        spans.push(...spansOf(body));
      }
      response.writeHead(status).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    bodies,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The numbers are those of opentelemetry/proto/trace/v1/trace.proto. */
function spansOf(body: Buffer): readonly ReceivedSpan[] {
  return messages(readFields(body), 1).flatMap((resourceSpans) => {
    const resource = attributesOf(messages(resourceSpans, 1).flat(), 1);
    return messages(resourceSpans, 2).flatMap((scopeSpans) =>
      messages(scopeSpans, 2).map((span) => spanOf(span, String(resource['service.name']))),
    );
  });
}

function spanOf(fields: readonly Field[], service: string): ReceivedSpan {
  const hex = (number: number, of: readonly Field[] = fields): string =>
    bytes(of, number)?.toString('hex') ?? '';
  const kind = fields.find((field) => field.number === 6)?.value ?? 0n;
  const status = messages(fields, 15).flat();
  return {
    service,
    name: bytes(fields, 5)?.toString('utf8') ?? '',
    kind: KINDS[Number(kind)] ?? '',
    traceId: hex(1),
    spanId: hex(2),
    parentId: hex(4),
    links: messages(fields, 13).map((link) => hex(2, link)),
    attributes: attributesOf(fields, 9),
    hasError: status.some(({ number, value }) => number === 3 && value === ERROR),
  };
}

function attributesOf(fields: readonly Field[], number: number): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    messages(fields, number).map((pair) => [
      bytes(pair, 1)?.toString('utf8') ?? '',
      valueOf(messages(pair, 2).flat()),
    ]),
  );
}

function valueOf([field]: readonly Field[]): unknown {
  if (field === undefined) return null;
  const { number, value } = field;
  if (typeof value !== 'bigint') {
    if (number === 5) return messages(readFields(value), 1).map(valueOf);
    return value.toString('utf8');
  }
  if (number === 2) return value === 1n;
  if (number === 3) return Number(BigInt.asIntN(64, value));
  const double = Buffer.alloc(8);
  double.writeBigUInt64LE(value);
  return double.readDoubleLE();
}

function messages(fields: readonly Field[], number: number): readonly (readonly Field[])[] {
  return fields.flatMap((field) =>
    field.number === number && typeof field.value !== 'bigint' ? [readFields(field.value)] : [],
  );
}

function bytes(fields: readonly Field[], number: number): Buffer | null {
  const value = fields.find((field) => field.number === number)?.value;
  return typeof value === 'bigint' || value === undefined ? null : value;
}
