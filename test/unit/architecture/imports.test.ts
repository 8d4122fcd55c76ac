import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cycleProblems, importProblems } from './import-problems.ts';
import { readRepository } from './repository.ts';

const repository = readRepository();

describe('who may import whom', () => {
  test('holds in this repository', () => {
    assert.deepEqual(importProblems(repository), []);
  });

  const forbidden: [rule: string, path: string, text: string][] = [
    ['schemas import nothing of ours', 'schemas/codec.ts', `import { retry } from '../runtime/retry.ts';`],
    ['runtime knows no events', 'runtime/metrics.ts', `import type { Event } from '../schemas/event.ts';`],
    ['streams know no chat', 'streams/log.ts', `export { reply } from '../gateway/reply.ts';`],
    ['policies know only schemas', 'policies/limits.ts', `import { x } from '../runtime/errors.ts';`],
    [
      'a processor has no logger',
      'processors/route/process.ts',
      `import { x } from '../../runtime/logger.ts';`,
    ],
    ['a processor has no rows', 'processors/route/decide.ts', `import { x } from '../../storage/rows.ts';`],
    [
      'a processor has no runner',
      'processors/route/index.ts',
      `import { x } from '../../streams/runner/run.ts';`,
    ],
    [
      'a gatherer takes ports',
      'processors/route/gather.ts',
      `import { x } from '../../storage/sqlite/rows.ts';`,
    ],
    ['processors are separate', 'processors/route/process.ts', `import { x } from '../prepare/rules.ts';`],
    ['projections are separate', 'projections/a/evolve.ts', `import { x } from '../b/evolve.ts';`],
    [
      'projections leave processors',
      'projections/a/evolve.ts',
      `import { x } from '../../processors/b/process.ts';`,
    ],
    [
      'workers leave projections',
      'inference-workers/worker.ts',
      `import { x } from '../projections/a/queries.ts';`,
    ],
    ['start takes ports', 'gateway/start.ts', `import { x } from '../streams/kafka/kafka-log.ts';`],
    ['ports leave adapters', 'streams/runner/run.ts', `import { x } from '../kafka/kafka-log.ts';`],
    ['gateways only query', 'gateway/http/history.ts', `import { x } from '../../projections/a/table.ts';`],
    ['web takes the protocol', 'web/app.ts', `import type { X } from '../gateway/start.ts';`],
    ['the client stands alone', 'client/answer.js', `import { x } from '../runtime/errors.ts';`],
    ['the client has no packages', 'client/session/step.js', `import { z } from 'zod';`],
    ['the client runs without Node', 'client/connection.js', `import { once } from 'node:events';`],
    ['nothing imports cli', 'gateway/start.ts', `const x = await import('../cli/up.ts');`],
    ['nothing imports test', 'cli/up.ts', `type X = import('../test/support/x.ts').X;`],
    ['a new folder needs a line', 'plugins/x.ts', `import { x } from '../runtime/errors.ts';`],
    ['Kafka has one home', 'gateway/start.ts', `import { Consumer } from '@platformatic/kafka';`],
    ['Avro has one home', 'streams/event.ts', `import avro from 'avsc';`],
    ['the HTTP server has one home', 'runtime/health.ts', `import { fastify } from 'fastify';`],
    ['metrics have one home', 'gateway/metrics.ts', `import { Counter } from 'prom-client';`],
    ['tracing has one home', 'gateway/trace.ts', `import { trace } from '@opentelemetry/api';`],
    ['SQL has one home', 'projections/run.ts', `import { DatabaseSync } from 'node:sqlite';`],
    ['models have one home', 'inference-workers/worker.ts', `import { getLlama } from 'node-llama-cpp';`],
    ['a new package needs a home', 'gateway/start.ts', `import { x } from 'left-pad';`],
  ];
  for (const [rule, path, text] of forbidden) {
    test(`finds a breach: ${rule}`, () => {
      assert.equal(importProblems([{ path, text }]).length, 1);
    });
  }

  const allowed: [why: string, path: string, text: string][] = [
    [
      'processors read events',
      'processors/route/process.ts',
      `import type { X } from '../../schemas/generated/x.ts';`,
    ],
    ['processors share root files', 'processors/route/index.ts', `import type { X } from '../processor.ts';`],
    ['the catalogue knows them all', 'processors/catalogue.ts', `import { x } from './route/index.ts';`],
    [
      'a gatherer takes ports',
      'processors/route/gather.ts',
      `import type { Rows } from '../../storage/rows.ts';`,
    ],
    ['a main chooses adapters', 'gateway/main.ts', `import { x } from '../streams/kafka/kafka-log.ts';`],
    ['gateways query', 'gateway/http/history.ts', `import { x } from '../../projections/a/queries.ts';`],
    ['an adapter is one folder', 'streams/kafka/kafka-log.ts', `import { x } from './fetch-loop.ts';`],
    ['tests import anything', 'test/integration/x.test.ts', `import { Kafka } from 'kafkajs';`],
  ];
  for (const [why, path, text] of allowed) {
    test(`lets pass: ${why}`, () => {
      assert.deepEqual(importProblems([{ path, text }]), []);
    });
  }
});

describe('import cycles', () => {
  test('there are none in this repository', () => {
    assert.deepEqual(cycleProblems(repository), []);
  });

  test('finds a cycle through a type and a re-export', () => {
    const files = [
      { path: 'streams/a.ts', text: `import type { B } from './b.ts';` },
      { path: 'streams/b.ts', text: `export { c } from './c.ts';` },
      { path: 'streams/c.ts', text: `import { a } from './a.ts';` },
    ];
    assert.deepEqual(cycleProblems(files), [
      'cycle: streams/a.ts -> streams/b.ts -> streams/c.ts -> streams/a.ts',
    ]);
  });
});
