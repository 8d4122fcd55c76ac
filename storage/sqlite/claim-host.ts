import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { StenoError } from '../../runtime/errors.ts';

/** Which machine this is. Containers of one machine differ in name and share the kernel's boot id. */
export type Host = { readonly name: string; readonly bootId: string };

/** Reads who we are; the boot id is empty where the kernel does not tell one. */
export function thisHost(): Host {
  let bootId = '';
  try {
    bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Only Linux has one; the name then stands alone.
  }
  return { name: hostname(), bootId };
}

/**
 * Writes beside a database file which host it serves: SQLite's locks and shared memory reach no further than one kernel.
 * The same host after a reboot may go on. Throws StenoError `store_in_use` on any other.
 */
export function claimHost(file: string, host: Host): void {
  const path = `${file}.host`;
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(host)}\n`);
  try {
    // A link appears whole or not at all, and never replaces another.
    linkSync(draft, path);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error;
    checkHost(file, host);
    // After a reboot of this host the boot id is a new one.
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Throws StenoError `store_in_use` if the file serves another host; a file that serves none yet is fine. */
export function checkHost(file: string, host: Host): void {
  const owner = readOwner(`${file}.host`);
  if (owner === null || owner.name === host.name || (owner.bootId !== '' && owner.bootId === host.bootId))
    return;
  throw new StenoError('store_in_use', `${file} serves host ${owner.name}, and this is ${host.name}`, {
    fix: `run this role on ${owner.name}; or stop every role there and delete ${file}.host`,
    facts: { file, owner: owner.name, host: host.name },
  });
}

function readOwner(path: string): Host | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  try {
    const { name, bootId } = JSON.parse(text) as Partial<Host>;
    if (typeof name === 'string' && typeof bootId === 'string') return { name, bootId };
  } catch {
    // Not ours, or cut off by a full disk: treated below.
  }
  return { name: 'unknown', bootId: '' };
}
