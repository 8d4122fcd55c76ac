import { connect } from 'node:net';

const METADATA = 3;
const VERSION = 1;
const TIMEOUT_MS = 2_000;

/**
 * Whether a Kafka broker at this address serves: it answers a Metadata request and counts itself among the live
 * brokers. (It answers ApiVersions a little earlier, when it would still refuse to create topics.)
 */
export function isBrokerReady(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let received = Buffer.alloc(0);
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
    socket.once('connect', () => socket.write(metadataRequest()));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 12) return;
      resolve(liveBrokers(received) > 0);
      socket.destroy();
    });
  });
}

/** Size, header (API key, version, correlation id, null client id), and an empty list of topics. */
function metadataRequest(): Buffer {
  const request = Buffer.alloc(18);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(METADATA, 4);
  request.writeInt16BE(VERSION, 6);
  request.writeInt32BE(1, 8);
  request.writeInt16BE(-1, 12);
  request.writeInt32BE(0, 14);
  return request;
}

/** The response begins with its size, the correlation id and the number of live brokers. */
function liveBrokers(response: Buffer): number {
  return response.readInt32BE(8);
}
