/** One setting of the environment. The README's table and .env.example are generated from the list below. */
export type Setting = {
  readonly name: string;
  readonly doc: string;
  /** Used where the variable is unset or empty; null means unset. */
  readonly fallback: string | null;
  readonly expected: string;
  readonly secret?: boolean;
};

const setting = (name: string, fallback: string | null, expected: string, doc: string): Setting => ({
  name,
  doc,
  fallback,
  expected,
});
const secret = (name: string, doc: string): Setting => ({
  name,
  doc,
  fallback: null,
  expected: 'text',
  secret: true,
});

/** Every setting that Steno reads. A secret may also be named by a file: `<NAME>_FILE`. */
export const settings = [
  setting(
    'STENO_DATA_DIR',
    '.steno/data',
    'a directory',
    'Where everything is kept that must survive a restart.',
  ),
  setting(
    'STENO_CACHE_DIR',
    '.steno/cache',
    'a directory',
    'Where downloads are kept: broker, registry, models.',
  ),
  setting('PORT', '8080', 'a port, or 0 for a free one', 'Port of the gateway.'),
  setting(
    'STENO_HOST',
    '127.0.0.1',
    'an address',
    'Address the gateway binds to. Any but loopback demands keys.',
  ),
  setting(
    'STENO_AUTH',
    'auto',
    'auto or required',
    'Whether a key is needed. auto: with a keys file, and never on loopback without one.',
  ),
  secret(
    'STENO_KEY_PEPPER',
    'Keys on the log are kept as HMACs under it; the same on every gateway. Made up and kept in the data directory if unset.',
  ),
  setting(
    'STENO_KEYS_FILE',
    null,
    'a file',
    'API keys: JSON {"keys": {"<sha256 of key>": {"tenant": "…", "principal": "…"}}}.',
  ),
  setting(
    'STENO_JWT_ISSUER',
    null,
    'text',
    'Signed tokens (JWT) of this issuer are credentials too; with it go the three below.',
  ),
  setting('STENO_JWT_AUDIENCE', null, 'text', 'What such a token must name as its audience.'),
  setting(
    'STENO_JWT_JWKS_URL',
    null,
    'an https URL, or an http URL of this machine',
    'Where the issuer publishes its keys (JWKS).',
  ),
  setting('STENO_JWT_TENANT_CLAIM', 'tenant', 'text', 'Claim of such a token that names the tenant.'),
  setting(
    'STENO_ADMIN_PORT',
    null,
    'a port, or 0 for a free one',
    'Port of the API that manages keys and tenants; none if unset. It takes keys of administrators only.',
  ),
  secret('STENO_API_KEY', 'API key that the commands ask and demo send to the gateway.'),
  setting(
    'STENO_ALLOWED_HOSTS',
    null,
    'names, comma-separated',
    'Host headers the gateway accepts besides loopback and STENO_HOST.',
  ),
  setting(
    'STENO_ALLOWED_ORIGINS',
    null,
    'origins, comma-separated',
    'Origins whose pages may call the gateway.',
  ),
  secret(
    'STENO_TOKEN_SECRET',
    'Seals resume tokens; the same on every gateway. Made up and kept in the data directory if unset.',
  ),
  setting('STENO_MAX_MESSAGE_BYTES', '65536', 'bytes', 'Largest message the gateway takes in.'),
  setting(
    'STENO_MAX_OPEN_INFERENCES',
    '1000',
    'a number',
    'Answers a gateway streams at once before it answers 503.',
  ),
  setting(
    'STENO_MAX_SUBSCRIPTIONS',
    '64',
    'a number',
    'Subscriptions to events a gateway serves at once before it answers 503; a tenant has 16 of them at most.',
  ),
  setting(
    'STENO_AUDIT_KEY_FILE',
    null,
    'a file',
    'Ed25519 private key (PEM) that seals of the audit chain are signed with; made once and kept in the data directory unless set.',
  ),
  setting(
    'STENO_AUDIT_HEAD_FILE',
    null,
    'a file',
    'Where the newest head of the audit chain is written after each seal: on storage that nobody with access to the log can write.',
  ),
  setting('STENO_AUDIT_SEAL_SECONDS', '60', 'seconds', 'How often what was appended is sealed.'),
  setting(
    'STENO_MAX_WAIT_SECONDS',
    '60',
    'a number',
    'What an interactive message may be expected to wait for its first token before a gateway answers 503; ten times as long for standard ones.',
  ),
  setting(
    'STENO_REPLY_PARTITION',
    null,
    'a partition number',
    'Reply partition of the gateway; chosen by hash if unset.',
  ),
  setting(
    'STENO_KAFKA_BROKERS',
    null,
    'host:port, comma-separated',
    'An external Kafka cluster in place of the embedded broker.',
  ),
  setting('STENO_KAFKA_PORT', null, 'a port', 'Port of the embedded broker; a free one if unset.'),
  setting('STENO_KAFKA_SSL', 'false', 'true or false', 'Speak TLS to the brokers.'),
  setting('STENO_KAFKA_SSL_CA_FILE', null, 'a PEM file', 'Certificate authority of the brokers.'),
  setting('STENO_KAFKA_SSL_CERT_FILE', null, 'a PEM file', 'Client certificate.'),
  setting('STENO_KAFKA_SSL_KEY_FILE', null, 'a PEM file', 'Its key.'),
  setting(
    'STENO_KAFKA_SASL_MECHANISM',
    null,
    'PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER',
    'Authenticate to the brokers.',
  ),
  setting('STENO_KAFKA_SASL_USERNAME', null, 'text', 'User name for SASL.'),
  secret('STENO_KAFKA_SASL_PASSWORD', 'Password for SASL.'),
  secret('STENO_KAFKA_SASL_TOKEN', 'Token for OAUTHBEARER.'),
  setting('STENO_KAFKA_SESSION_MS', '2500', 'milliseconds', 'Session time-out in consumer groups.'),
  setting(
    'STENO_REGISTRY_URL',
    null,
    'a URL',
    'An external Confluent-compatible schema registry in place of the embedded one.',
  ),
  setting('STENO_REGISTRY_PORT', null, 'a port', 'Port of the embedded registry; a free one if unset.'),
  setting('STENO_REGISTRY_USERNAME', null, 'text', 'User name at the registry.'),
  secret('STENO_REGISTRY_PASSWORD', 'Password at the registry.'),
  setting(
    'STENO_TOPIC_PREFIX',
    'steno',
    'lower-case letters, digits, - and .',
    'First part of every topic and group name.',
  ),
  setting('STENO_REPLICATION', '1', 'a number', 'Replicas of the topics that steno topics apply creates.'),
  setting('STENO_MODELS_FILE', null, 'a file', 'A model catalogue in place of the built-in one.'),
  setting(
    'STENO_MODEL',
    null,
    'a catalogue id, a .gguf file, hf:owner/name/file.gguf or openai:<name of the model there>',
    'The default model.',
  ),
  setting(
    'OPENAI_BASE_URL',
    'https://api.openai.com/v1',
    'a URL',
    'The OpenAI-compatible API that STENO_MODEL=openai:<name> is asked from.',
  ),
  secret('OPENAI_API_KEY', 'Its key.'),
  setting('STENO_ENGINE_THREADS', null, 'a number', 'Threads of the embedded engine; cores - 1 if unset.'),
  setting(
    'STENO_CONTEXT_MAX_CHARACTERS',
    null,
    'a number',
    'Characters of history in a prompt; no limit but tokens if unset (the first specification had 4000).',
  ),
  setting(
    'STENO_CONTEXT_TTL_SECONDS',
    null,
    'seconds',
    'Age at which history leaves the prompt; never if unset (the first specification had 3600).',
  ),
  setting(
    'STENO_HEALTH_PORT',
    '0',
    'a port, or 0 for a free one',
    'Port on loopback where a role other than the gateway answers probes and metrics.',
  ),
  setting(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    null,
    'a URL',
    'An OpenTelemetry collector (OTLP over HTTP) that spans are sent to. Nothing is traced if unset.',
  ),
  setting(
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    null,
    'a URL',
    'The whole address for traces, in place of the endpoint and /v1/traces.',
  ),
  secret('OTEL_EXPORTER_OTLP_HEADERS', 'Headers for the collector: name=value, comma-separated.'),
  setting(
    'OTEL_TRACES_EXPORTER',
    null,
    'otlp or none',
    'otlp alone: a collector on this machine, port 4318.',
  ),
  setting(
    'OTEL_TRACES_SAMPLER',
    'parentbased_always_on',
    'always_on, always_off, traceidratio or parentbased_ and one of these',
    'Which turns are traced.',
  ),
  setting('OTEL_TRACES_SAMPLER_ARG', '1', '0 to 1', 'Share of turns for a ratio sampler.'),
  setting('OTEL_SERVICE_NAME', null, 'text', 'service.name of spans; steno-<role> if unset.'),
  setting('OTEL_RESOURCE_ATTRIBUTES', null, 'name=value, comma-separated', 'More about the source of spans.'),
  setting('OTEL_SDK_DISABLED', 'false', 'true or false', 'Turns tracing off.'),
  setting('LOG_LEVEL', 'info', 'debug, info, warn, error or silent', 'What is logged.'),
] as const satisfies readonly Setting[];

export type SettingName = (typeof settings)[number]['name'];
