import { readFileSync } from 'node:fs';
import type { BaseOptions, ConnectionOptions, SASLOptions } from '@platformatic/kafka';
import type { Config } from '../../runtime/config.ts';
import { StenoError } from '../../runtime/errors.ts';

/** Where the cluster is and how to speak to it. */
export type KafkaOptions = {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** PEM files by path; null for no TLS. */
  readonly tls: Config['kafka']['tls'];
  readonly sasl: Config['kafka']['sasl'];
  /** Group session time-out in milliseconds; the broker's floor may be higher. */
  readonly sessionMillis: number;
  readonly heartbeatMillis: number;
};

/** Returns the client's options for a connection named `name`. */
export function baseOptions(options: KafkaOptions, name: string): BaseOptions {
  return {
    clientId: `${options.clientId}-${name}`,
    bootstrapBrokers: [...options.brokers],
    connectTimeout: 5_000,
    requestTimeout: 20_000,
    timeout: 5_000,
    retries: 8,
    retryDelay: (_client, _operation, attempt) => Math.min(50 * 2 ** attempt, 1_000),
    metadataMaxAge: 60_000,
    autocreateTopics: false,
    ...(options.tls === null ? {} : { tls: tlsOptions(options.tls) }),
    ...(options.sasl === null ? {} : { sasl: saslOptions(options.sasl) }),
  };
}

/** Returns of a client's options those of its connections. */
export function connectionOptions(base: BaseOptions): ConnectionOptions {
  const { connectTimeout, requestTimeout, tls, sasl } = base;
  return {
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
    ...(requestTimeout === undefined ? {} : { requestTimeout }),
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  };
}

function tlsOptions(tls: NonNullable<KafkaOptions['tls']>): NonNullable<BaseOptions['tls']> {
  return {
    ...(tls.ca === undefined ? {} : { ca: readFile(tls.ca) }),
    ...(tls.cert === undefined ? {} : { cert: readFile(tls.cert) }),
    ...(tls.key === undefined ? {} : { key: readFile(tls.key) }),
  };
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new StenoError('tls_file_unreadable', `cannot read the TLS file ${path}`, {
      fix: 'check the STENO_KAFKA_TLS_* paths',
      cause: error,
    });
  }
}

function saslOptions(sasl: NonNullable<KafkaOptions['sasl']>): SASLOptions {
  return {
    mechanism: sasl.mechanism,
    ...(sasl.username === undefined ? {} : { username: sasl.username }),
    ...(sasl.password === undefined ? {} : { password: sasl.password }),
    ...(sasl.token === undefined ? {} : { token: sasl.token }),
  };
}
