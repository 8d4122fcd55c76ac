import { fileURLToPath } from 'node:url';

/** A role that a process can have, and the program that starts it. */
export type RoleProgram = { readonly name: string; readonly purpose: string; readonly entry: string };

const program = (name: string, folder: string, purpose: string): RoleProgram => ({
  name,
  purpose,
  entry: fileURLToPath(new URL(`../${folder}/main.ts`, import.meta.url)),
});

/** All roles, in the order in which they are stopped: nothing new comes in, then what is under way ends. */
export const rolePrograms: readonly RoleProgram[] = [
  program('gateway', 'gateway', 'HTTP and WebSocket for clients'),
  program('inference-worker', 'inference-workers', 'runs a model'),
  program('processors', 'processors', 'turns messages into prompts and records'),
  program('projections', 'projections', 'keeps the read models'),
  program('sealer', 'replay/audit', 'seals the record, so that no change of it goes unseen'),
];
