import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  judgeAudit,
  judgeDependencies,
  lockSchema,
  manifestSchema,
  type Judgement,
} from './judge-dependencies.ts';

/**
 * Part of `npm run check`: pins, hashes, licences, known weaknesses, and a bill of materials (CycloneDX) in
 * node_modules/.cache/steno-check/sbom.json.
 */

const SBOM = path.join('node_modules', '.cache', 'steno-check', 'sbom.json');
const PATIENCE_MS = 60_000;

function read(name: string): unknown {
  return JSON.parse(readFileSync(name, 'utf8'));
}

function npm(...parameters: string[]): string {
  const { stdout } = spawnSync('npm', parameters, {
    encoding: 'utf8',
    timeout: PATIENCE_MS,
    maxBuffer: 2 ** 26,
  });
  return stdout;
}

function billOfMaterials(): Judgement {
  const text = npm('sbom', '--sbom-format=cyclonedx', '--package-lock-only');
  const { components = [] } = JSON.parse(text === '' ? '{}' : text) as { components?: readonly unknown[] };
  if (components.length === 0) return { problems: ['npm sbom listed nothing'], notes: [] };
  mkdirSync(path.dirname(SBOM), { recursive: true });
  writeFileSync(SBOM, text);
  return { problems: [], notes: [`${components.length} components in ${SBOM}`] };
}

const judgements = [
  judgeDependencies(manifestSchema.parse(read('package.json')), lockSchema.parse(read('package-lock.json'))),
  billOfMaterials(),
  judgeAudit(npm('audit', '--omit=dev', '--json')),
];
for (const { notes } of judgements) for (const note of notes) console.log(note);
const problems = judgements.flatMap((judgement) => judgement.problems);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
