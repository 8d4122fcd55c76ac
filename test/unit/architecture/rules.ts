/**
 * The rules of the architecture, as data. Paths are globs from the root of the repository; a file always may
 * import the rest of its own top folder, unless `separate` or a narrower line says otherwise.
 */

/** What every process has, and the ports behind which brokers and databases lie. */
const foundation = ['schemas/**', 'runtime/**', 'streams/*.ts', 'streams/runner/**', 'storage/*.ts'];
const pureFoundation = ['schemas/**', 'policies/**', 'streams/*.ts'];

export type ImportRule = { readonly files: string; readonly mayImport: readonly string[] };

/** Who may import whom. The first line that matches a file decides. */
export const importRules: readonly ImportRule[] = [
  { files: 'schemas/**', mayImport: [] },
  { files: 'runtime/**', mayImport: [] },
  { files: 'streams/**', mayImport: ['schemas/**', 'runtime/**'] },
  { files: 'storage/**', mayImport: ['schemas/**', 'runtime/**'] },
  { files: 'policies/**', mayImport: ['schemas/**'] },
  // The shell of a processor: what loads, appends and commits around its pure files.
  { files: 'processors/**/{gather,start,main}.ts', mayImport: [...pureFoundation, ...foundation] },
  { files: 'processors/*/shell/**', mayImport: [...pureFoundation, ...foundation] },
  { files: 'processors/**', mayImport: pureFoundation },
  { files: 'inference-workers/**', mayImport: foundation },
  { files: 'projections/**', mayImport: foundation },
  { files: 'connectors/**', mayImport: foundation },
  { files: 'gateway/**', mayImport: [...foundation, 'policies/**', 'projections/*/queries.ts'] },
  {
    files: 'replay/**',
    mayImport: [
      ...foundation,
      '{processors,projections,inference-workers}/**/catalogue.ts',
      'projections/*/queries.ts',
      'projections/rebuild.ts',
    ],
  },
  { files: 'web/**', mayImport: ['client/**'] },
  { files: 'client/**', mayImport: [] },
  // Programs that subscribers copy: they know the contracts and nothing else of ours.
  { files: 'examples/**', mayImport: ['schemas/generated/**'] },
  { files: '{cli,infra,bench,test}/**', mayImport: ['**'] },
];

/** Adapters, which only a `main.ts` chooses; whoever may import anything may import them too. */
export const adapters = ['streams/kafka/**', 'storage/*/**'];

/** The model catalogue: configuration of the whole installation, handed to every role by its `main.ts`. */
export const catalogues = ['inference-workers/models/**'];

/** Folders whose folders never import each other: they talk through topics. */
export const separate = ['processors', 'projections'];

/** Folders that no other folder imports, but for these. */
export const importableOnlyBy: Readonly<Record<string, readonly string[]>> = {
  test: ['bench'],
  bench: ['test'],
  cli: ['test', 'bench'],
  examples: [],
  infra: ['cli', 'test', 'bench'],
};

/** What also runs in a browser, as it is: it imports its own files and nothing else, not even of Node. */
export const standalone = ['client/**'];

/** The one folder that imports a vendor package. `test` and `bench` may import all of them. */
export const vendorHomes: Readonly<Record<string, readonly string[]>> = {
  '@platformatic/kafka': ['streams/kafka/**'],
  kafkajs: ['examples/**'],
  '@kafkajs/confluent-schema-registry': ['schemas/**', 'examples/**'],
  avsc: ['schemas/**'],
  fastify: ['gateway/**'],
  '@fastify/*': ['gateway/**'],
  ws: ['gateway/**'],
  jose: ['gateway/**'],
  'rate-limiter-flexible': ['gateway/**'],
  pino: ['runtime/**'],
  'prom-client': ['runtime/**'],
  opossum: ['runtime/**'],
  undici: ['inference-workers/engines/openai-compatible/**'],
  'eventsource-parser': ['inference-workers/engines/openai-compatible/**', 'cli/fork/**'],
  '@opentelemetry/*': ['runtime/**'],
  'node:sqlite': ['storage/sqlite/**', 'examples/**'],
  'sqlite-vec': ['storage/sqlite/**'],
  'node-llama-cpp': ['inference-workers/engines/llama-cpp/**'],
  commander: ['cli/**'],
  prettier: ['schemas/generate.ts', 'schemas/generate/**'],
  hyparquet: ['replay/export/**'],
  'hyparquet-writer': ['replay/export/**'],
  marked: ['web/**'],
  dompurify: ['web/**'],
  zod: ['**'],
};

/** Files that compute and do nothing else. */
export const pureFiles = [
  'processors/*/{process,decide,submit,place,paths,end,cancel,prompt,window,count-tokens,outputs,rules,state}.ts',
  'projections/**/evolve.ts',
  'schemas/upcasters/**',
  'policies/**',
];

/** What a pure file may not touch, beside `node:*`, `async` and vendor packages. */
export const impureNames = [
  'Date',
  'Math.random',
  'process.',
  'console',
  'performance',
  'crypto',
  'fetch',
  'globalThis',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
];

/** The one source file that reads `process.env`, and the folders where programs, not services, start. */
export const environmentReaders = ['runtime/environment.ts', '{cli,infra,bench,test}/**'];

export const lineLimit = 300;

/** Files whose length or name is not ours to choose. */
export const unlimitedFiles = [
  'schemas/generated/**',
  'test/fixtures/**',
  'package-lock.json',
  'LICENSE',
  'docs/{events,topology}.md',
];

/** Names that say nothing about what is inside. */
export const emptyNames = ['utils', 'util', 'common', 'helpers', 'helper', 'types.ts', 'misc', 'shared'];

/** Names the ecosystem spells in its own way. */
export const customaryNames =
  /^(README|CHANGELOG|SECURITY|CONTRIBUTING)\.md$|^LICENSE$|^Dockerfile$|\.(java|py)$/;

/** Direct dependencies that are used without being imported. */
export const toolPackages = ['node', 'typescript', 'eslint', 'prettier', 'knip'];
