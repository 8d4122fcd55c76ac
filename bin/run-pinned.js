// Runs a TypeScript file under the pinned Node, in this process if this already is that Node.
// Plain JavaScript for Node 18 and later.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled } from './ensure-installed.js';

const flags = ['--disable-warning=ExperimentalWarning'];

/** Runs `file` with `parameters`; `tools` says whether development dependencies are needed. */
export async function runPinned(file, parameters, { tools }) {
  const pinned = await ensureInstalled({ tools });
  stopWithNpm();
  if (process.versions.node === pinned.version) {
    process.argv = [process.execPath, path.resolve(file), ...parameters];
    quietExperimentalWarnings();
    await import(pathToFileURL(path.resolve(file)).href);
    return;
  }
  superviseChild(
    spawn(pinned.binary, [...flags, file, ...parameters], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    }),
  );
}

/**
 * The wrapper's half of a small protocol; all of it is optional for the child.
 *
 * - Wrapper gone (also by SIGKILL): the child sees `process.on('disconnect')` and should stop cleanly.
 * - A child that sends `'accepts-stop'` is asked to stop by the message `'stop'`, which it must treat as
 *   idempotent: a signal sent to the whole process group then never counts as two. A further signal more than
 *   a second later is forwarded as it is.
 * - Listening to either event keeps the child's event loop alive: call `process.channel.unref()` afterwards.
 * - A child that sends nothing is sent the signals themselves, SIGINT only when no terminal sent it to both.
 */
function superviseChild(child) {
  let acceptsStop = false;
  let firstSignalAt;
  child.on('message', (message) => {
    if (message === 'accepts-stop') acceptsStop = true;
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      firstSignalAt ??= Date.now();
      const isFirst = Date.now() - firstSignalAt < 1000;
      if (acceptsStop && isFirst && child.connected) child.send('stop', () => {});
      else if (signal !== 'SIGINT' || !ownsTerminal()) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`steno: cannot start the pinned Node: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
    process.kill(process.pid, signal);
    // Reached when the signal does not end this process: answer as a shell would.
    setTimeout(() => process.exit(1), 1000);
  });
}

/** npm passes a signal to its shell only, and the shell dies of it alone: see that the parent changed. */
function stopWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  watch.unref();
}

/** Whether Ctrl-C in the terminal reaches this process group, and with it the child. */
function ownsTerminal() {
  try {
    // Linux: after the name in brackets come state, ppid, pgrp, session, tty, tpgid.
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').pop().split(' ');
    return fields[2] === fields[5];
  } catch {
    return [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
  }
}

/** What the flag does for a child; `fork` passes `process.execArgv` on, so it is noted there too. */
function quietExperimentalWarnings() {
  if (process.execArgv.includes(flags[0])) return;
  process.execArgv.push(...flags);
  const listeners = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') for (const listener of listeners) listener(warning);
  });
}
