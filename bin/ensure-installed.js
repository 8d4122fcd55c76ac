// Makes a fresh clone ready: installs what package-lock.json names, then the pinned Node.
// Plain JavaScript for Node 18 and later, because nothing is installed yet when it runs.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const lockFile = path.join(root, 'package-lock.json');
const modules = path.join(root, 'node_modules');
const stampFile = path.join(modules, '.steno-install');
const turnFile = path.join(root, '.steno', 'installing');

/**
 * Brings node_modules in step with package-lock.json and resolves to the pinned Node: its binary and version.
 * `tools`: whether the development dependencies are needed too. Ends the process with one line when it cannot.
 *
 * Install scripts stay off: one of them would build or download a model runtime, and npm 9 and 10 run them all.
 * The only one that is needed fetches the pinned Node, and is run by name afterwards.
 */
export async function ensureInstalled({ tools }) {
  if (needsModules(tools) || !existsSync(pinnedBinary())) {
    const release = await takeTurn();
    try {
      if (needsModules(tools)) {
        say('installing dependencies (once, about a minute and 1 GB of disk)');
        await npm(['ci', '--ignore-scripts', ...(tools ? ['--include=dev'] : [])]);
        if (needsModules(tools))
          fail('npm installed less than package-lock.json names; run "npm ci" to see why');
      }
      if (!existsSync(pinnedBinary())) {
        say('installing the pinned Node');
        await npm(['rebuild', 'node', '--ignore-scripts=false']);
      }
    } finally {
      release();
    }
    if (!existsSync(pinnedBinary()))
      fail('npm installed no Node for this system; run "npm rebuild node" to see why');
  }
  return { binary: pinnedBinary(), version: readJson(path.join(modules, 'node', 'package.json')).version };
}

function pinnedBinary() {
  return path.join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/** The stamp answers fast; without it npm's own record does, so that an install by hand is not repeated. */
function needsModules(tools) {
  const hash = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === hash) return false;
  const record = path.join(modules, '.package-lock.json');
  if (!existsSync(record)) return true;
  const installed = readJson(record).packages;
  const missing = Object.entries(readJson(lockFile).packages).filter(
    ([at, wanted]) =>
      at !== '' && !wanted.optional && !wanted.devOptional && installed[at]?.version !== wanted.version,
  );
  if (missing.length === 0) writeFileSync(stampFile, hash);
  return missing.some(([, wanted]) => tools || !wanted.dev);
}

/** One install at a time: `npm start` and `npm test` may both be the first to run. */
async function takeTurn() {
  mkdirSync(path.dirname(turnFile), { recursive: true });
  for (let waited = 0; ; waited += 500) {
    try {
      writeFileSync(turnFile, String(process.pid), { flag: 'wx' });
      return () => rmSync(turnFile, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') fail(explain(error.code) ?? error.message);
    }
    if (waited === 0) say('waiting for another install to finish');
    if (!holderLives()) rmSync(turnFile, { force: true });
    else await sleep(500);
  }
}

/** A holder that is gone, or that a reboot and a reused id only seem to keep alive, does not count. */
function holderLives() {
  try {
    if (Date.now() - statSync(turnFile).mtimeMs > 15 * 60_000) return false;
    const holder = Number(readFileSync(turnFile, 'utf8'));
    // Zero is a holder that has created the file and not yet written its id.
    if (holder !== 0) process.kill(holder, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Runs npm with a line every five seconds, and ends this process with one line if npm fails. */
function npm(parameters) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--prefer-offline', '--loglevel=error'];
  return new Promise((resolve) => {
    const child = spawn('npm', [...parameters, ...quiet], {
      cwd: root,
      // npm is a command file on Windows; the arguments are constants, so a shell is safe there.
      shell: process.platform === 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_LLAMA_CPP_SKIP_DOWNLOAD: 'true' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
    const ticker = setInterval(() => say(`npm ${parameters[0]} is running, ${seconds()} s`), 5000);
    child.on('error', (error) => {
      fail(
        error.code === 'ENOENT' ? 'npm is missing; install Node.js with npm, then try again' : error.message,
      );
    });
    child.on('close', (code) => {
      clearInterval(ticker);
      if (code === 0) {
        say(`npm ${parameters[0]} done in ${seconds()} s`);
        return resolve();
      }
      const reason = explain(output);
      if (reason === undefined) process.stderr.write(output);
      fail(reason ?? `"npm ${parameters.join(' ')}" failed (exit ${code}); its output is above`);
    });
  });
}

const knownFailures = [
  [/ENOSPC/, 'the disk is full; free about 1 GB, then try again'],
  [/EACCES|EPERM|EROFS/, 'this folder or the npm cache cannot be written; check their owner, then try again'],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT/,
    'the npm registry cannot be reached; check the network and proxy, then try again',
  ],
  [/E401|E403/, 'the npm registry refused access; check the registry settings of npm, then try again'],
  [
    /EUSAGE[^]*in sync/,
    'package.json and package-lock.json disagree; run "npm install --ignore-scripts", then try again',
  ],
];

function explain(output) {
  return knownFailures.find(([pattern]) => pattern.test(output))?.[1];
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function say(line) {
  process.stderr.write(`steno: ${line}\n`);
}

function fail(line) {
  rmSync(turnFile, { force: true });
  say(line);
  process.exit(1);
}
