import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { StenoError } from './errors.ts';
import { settings, type SettingName } from './settings.ts';
import { tracingConfig, type TracingConfig } from './tracing/tracing-config.ts';

/** The environment, parsed once, frozen, and passed as an argument. */
export type Config = {
  readonly dataDir: string;
  readonly cacheDir: string;
  readonly port: number;
  readonly host: string;
  readonly keysFile: string | null;
  readonly auth: 'auto' | 'required';
  readonly keyPepper: string | null;
  /** Whose tokens are taken as credentials; null for nobody's. */
  readonly jwt: {
    readonly issuer: string;
    readonly audience: string;
    readonly jwksUrl: string;
    readonly tenantClaim: string;
  } | null;
  readonly adminPort: number | null;
  /** What a command sends as its key. */
  readonly apiKey: string | null;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly tokenSecret: string | null;
  readonly maxMessageBytes: number;
  readonly maxOpenInferences: number;
  readonly audit: {
    readonly keyFile: string | null;
    readonly headFile: string | null;
    readonly sealSeconds: number;
  };
  readonly maxSubscriptions: number;
  readonly maxWaitSeconds: number;
  readonly replyPartition: number | null;
  readonly kafka: {
    readonly brokers: readonly string[];
    readonly port: number | null;
    readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | null;
    readonly sasl: {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER';
      readonly username?: string;
      readonly password?: string;
      readonly token?: string;
    } | null;
    readonly sessionMillis: number;
  };
  readonly registry: {
    readonly url: string | null;
    readonly port: number | null;
    readonly auth: { readonly username: string; readonly password: string } | null;
  };
  readonly topicPrefix: string;
  readonly replication: number;
  readonly modelsFile: string | null;
  readonly model: string | null;
  /** Where a model named `openai:` is. Its key is read where it is sent. */
  readonly openaiBaseUrl: string;
  readonly engineThreads: number | null;
  readonly contextMaxCharacters: number | null;
  readonly contextTtlSeconds: number | null;
  readonly healthPort: number;
  /** Null: nothing is traced. */
  readonly tracing: TracingConfig | null;
  readonly logLevel: string;
};

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const;
const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'];

/**
 * Parses an environment. Throws StenoError `bad_config` whose message lists every problem: name, got, expected.
 * Secrets are never quoted. `NAME_FILE` stands in for a secret `NAME`.
 */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const raw = (name: SettingName): string | null => {
    const found = settings.find((item) => item.name === name);
    const file = found !== undefined && 'secret' in found ? env[`${name}_FILE`] : undefined;
    if (file !== undefined && file !== '') return secretFile(name, file, problems);
    const value = env[name];
    return value === undefined || value === '' ? (found?.fallback ?? null) : value;
  };
  const problem = (name: SettingName, got: string): void => {
    const found = settings.find((item) => item.name === name);
    problems.push(`${name} is ${JSON.stringify(got)}, expected ${found?.expected ?? 'something else'}`);
  };
  const whole = (name: SettingName, low: number, high: number): number | null => {
    const text = raw(name);
    if (text === null) return null;
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= low && value <= high) return value;
    problem(name, text);
    return null;
  };
  const path = (name: SettingName): string | null => {
    const text = raw(name);
    return text === null ? null : resolve(text);
  };
  const list = (name: SettingName): readonly string[] =>
    (raw(name) ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  const oneOf = <T extends string>(name: SettingName, allowed: readonly T[]): T | null => {
    const text = raw(name);
    const found = allowed.find((item) => item === text);
    if (text !== null && found === undefined) problem(name, text);
    return found ?? null;
  };
  const url = (name: SettingName): string | null => {
    const text = raw(name);
    if (text === null) return null;
    if (/^https?:\/\//.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
    problem(name, text);
    return null;
  };

  const jwt = (): Config['jwt'] => {
    const names = ['STENO_JWT_ISSUER', 'STENO_JWT_AUDIENCE', 'STENO_JWT_JWKS_URL'] as const;
    const [issuer, audience, jwksUrl] = [raw(names[0]), raw(names[1]), url(names[2])];
    const tenantClaim = raw('STENO_JWT_TENANT_CLAIM');
    // Whoever can change what is fetched can sign tokens.
    if (jwksUrl !== null && !/^https:|^http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/.test(jwksUrl))
      problem(names[2], jwksUrl);
    if (issuer !== null && audience !== null && jwksUrl !== null && tenantClaim !== null)
      return { issuer, audience, jwksUrl, tenantClaim };
    // One without the others would silently trust nobody.
    const missing = names.filter((name) => raw(name) === null);
    if (missing.length < names.length) for (const name of missing) problem(name, '');
    return null;
  };
  const prefix = raw('STENO_TOPIC_PREFIX') ?? '';
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(prefix)) problem('STENO_TOPIC_PREFIX', prefix);
  const brokers = list('STENO_KAFKA_BROKERS');
  for (const broker of brokers) if (!/^[^\s:]+:\d+$/.test(broker)) problem('STENO_KAFKA_BROKERS', broker);
  const username = raw('STENO_REGISTRY_USERNAME');
  const config: Config = {
    dataDir: path('STENO_DATA_DIR') ?? '',
    cacheDir: path('STENO_CACHE_DIR') ?? '',
    port: whole('PORT', 0, 65_535) ?? 0,
    host: raw('STENO_HOST') ?? '',
    keysFile: path('STENO_KEYS_FILE'),
    auth: oneOf('STENO_AUTH', ['auto', 'required']) ?? 'auto',
    keyPepper: raw('STENO_KEY_PEPPER'),
    jwt: jwt(),
    adminPort: whole('STENO_ADMIN_PORT', 0, 65_535),
    apiKey: raw('STENO_API_KEY'),
    allowedHosts: list('STENO_ALLOWED_HOSTS'),
    allowedOrigins: list('STENO_ALLOWED_ORIGINS'),
    tokenSecret: raw('STENO_TOKEN_SECRET'),
    maxMessageBytes: whole('STENO_MAX_MESSAGE_BYTES', 1, 4 * 1024 * 1024) ?? 0,
    maxOpenInferences: whole('STENO_MAX_OPEN_INFERENCES', 1, 1_000_000) ?? 0,
    audit: {
      keyFile: path('STENO_AUDIT_KEY_FILE'),
      headFile: path('STENO_AUDIT_HEAD_FILE'),
      sealSeconds: whole('STENO_AUDIT_SEAL_SECONDS', 1, 86_400) ?? 0,
    },
    maxSubscriptions: whole('STENO_MAX_SUBSCRIPTIONS', 0, 10_000) ?? 0,
    maxWaitSeconds: whole('STENO_MAX_WAIT_SECONDS', 1, 43_200) ?? 0,
    replyPartition: whole('STENO_REPLY_PARTITION', 0, 10_000),
    kafka: {
      brokers,
      port: whole('STENO_KAFKA_PORT', 0, 65_535),
      tls:
        oneOf('STENO_KAFKA_SSL', ['true', 'false']) === 'true'
          ? {
              ...optional('ca', path('STENO_KAFKA_SSL_CA_FILE')),
              ...optional('cert', path('STENO_KAFKA_SSL_CERT_FILE')),
              ...optional('key', path('STENO_KAFKA_SSL_KEY_FILE')),
            }
          : null,
      sasl: saslOf(oneOf('STENO_KAFKA_SASL_MECHANISM', MECHANISMS), raw),
      sessionMillis: whole('STENO_KAFKA_SESSION_MS', 1_000, 300_000) ?? 0,
    },
    registry: {
      url: url('STENO_REGISTRY_URL'),
      port: whole('STENO_REGISTRY_PORT', 0, 65_535),
      auth: username === null ? null : { username, password: raw('STENO_REGISTRY_PASSWORD') ?? '' },
    },
    topicPrefix: prefix,
    replication: whole('STENO_REPLICATION', 1, 100) ?? 1,
    modelsFile: path('STENO_MODELS_FILE'),
    model: raw('STENO_MODEL'),
    openaiBaseUrl: url('OPENAI_BASE_URL') ?? '',
    engineThreads: whole('STENO_ENGINE_THREADS', 1, 1_024),
    contextMaxCharacters: whole('STENO_CONTEXT_MAX_CHARACTERS', 1, 100_000_000),
    contextTtlSeconds: whole('STENO_CONTEXT_TTL_SECONDS', 1, 1_000_000_000),
    healthPort: whole('STENO_HEALTH_PORT', 0, 65_535) ?? 0,
    tracing: tracingConfig({ raw, oneOf, url, problem }),
    logLevel: oneOf('LOG_LEVEL', LEVELS) ?? 'info',
  };
  if (problems.length > 0) {
    throw new StenoError('bad_config', problems.join('; '), {
      fix: 'correct the environment: see .env.example',
    });
  }
  return Object.freeze(config);
}

function saslOf(
  mechanism: (typeof MECHANISMS)[number] | null,
  raw: (name: SettingName) => string | null,
): Config['kafka']['sasl'] {
  if (mechanism === null) return null;
  return {
    mechanism,
    ...optional('username', raw('STENO_KAFKA_SASL_USERNAME')),
    ...optional('password', raw('STENO_KAFKA_SASL_PASSWORD')),
    ...optional('token', raw('STENO_KAFKA_SASL_TOKEN')),
  };
}

function optional<K extends string>(key: K, value: string | null): { readonly [P in K]?: string } {
  // One key of the union K: TypeScript widens computed keys to string.
  return value === null ? {} : ({ [key]: value } as { readonly [P in K]?: string });
}

function secretFile(name: string, file: string, problems: string[]): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    problems.push(`${name}_FILE names ${JSON.stringify(file)}, which cannot be read`);
    return null;
  }
}
