import { pathToFileURL } from 'node:url';
import { rolePrograms } from './roles.ts';

/** `steno run <role>`: this process becomes the role. Returns an exit code only if there is no such role. */
export async function run(name: string): Promise<number | undefined> {
  const found = rolePrograms.find((role) => role.name === name);
  if (found === undefined) {
    process.stderr.write(`steno: there is no role "${name}". Roles are:\n${listRoles()}\n`);
    return 2;
  }
  // The program chooses its adapters and hands itself to runRole, which ends the process.
  await import(pathToFileURL(found.entry).href);
  return undefined;
}

/** One line for each role. */
export function listRoles(): string {
  return rolePrograms.map(({ name, purpose }) => `  ${name.padEnd(18)} ${purpose}`).join('\n');
}
