/** What differs from one registry to the next. `logFile` is relative to its working directory. */
export type RegistrySettings = { readonly host: string; readonly port: number; readonly logFile: string };

/** A schema above this is refused; the platform's largest is a hundredth of it. */
const MAX_SCHEMA_BYTES = 256 * 1024;

/** The JVM flags that configure the registry. Its own limits are off by default. */
export function registryProperties({ host, port, logFile }: RegistrySettings): readonly string[] {
  const properties: Readonly<Record<string, string | number | boolean>> = {
    'quarkus.http.host': host,
    'quarkus.http.port': port,
    'quarkus.http.cors': false,
    'quarkus.http.limits.max-body-size': MAX_SCHEMA_BYTES * 4,
    'quarkus.http.io-threads': 2,
    'quarkus.thread-pool.max-threads': 8,
    // Every registered id is on the disk before it is answered: a crash must not give it to another schema.
    'quarkus.datasource.jdbc.url': 'jdbc:h2:file:./schemas;WRITE_DELAY=0',
    'quarkus.datasource.jdbc.initial-size': 1,
    'quarkus.datasource.jdbc.min-size': 1,
    'quarkus.datasource.jdbc.max-size': 8,
    'registry.limits.config.max-schema-size-bytes': MAX_SCHEMA_BYTES,
    'registry.limits.config.max-requests-per-second': 1000,
    'quarkus.log.level': 'WARN',
    'quarkus.log.category."io.apicurio".level': 'WARN',
    'quarkus.log.console.enable': false,
    'quarkus.log.file.enable': true,
    'quarkus.log.file.path': logFile,
    'quarkus.log.file.rotation.max-file-size': '10M',
    'quarkus.log.file.rotation.max-backup-index': 2,
  };
  return Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
}
