import { ConnectionPool, Writer, type Broker, type ConnectionOptions } from '@platformatic/kafka';

/** What is sent: a key and a version of the Kafka protocol that have tagged fields in both heads. */
export type Api = { readonly key: number; readonly version: number };

/**
 * Connections to brokers that carry requests of ours as bytes. The client library connects, authenticates, and finds
 * the request of each response.
 */
export class BrokerConnections {
  readonly #pool: ConnectionPool;

  constructor(clientId: string, options: ConnectionOptions) {
    this.#pool = new ConnectionPool(clientId, options);
  }

  /** Sends a request and resolves with the body of its response. Throws what the library says of a lost connection. */
  async ask<T>(broker: Broker, api: Api, body: Buffer, decode: (response: Buffer) => T): Promise<T> {
    const open = this.#pool.getEstablishedConnection(broker);
    const connection = open?.isConnected() === true ? open : await this.#pool.get(broker);
    return new Promise((resolve, reject) => {
      connection.send(
        api.key,
        api.version,
        () => Writer.create().append(body),
        (_correlationId, _key, _version, reader) => decode(reader.buffer.subarray(reader.position).buffer),
        true,
        true,
        (error, response) => {
          // The library types the response as possibly absent; the parser's result comes with no error.
          if (error === null) resolve(response as T);
          else reject(error);
        },
      );
    });
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
