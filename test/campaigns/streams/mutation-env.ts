import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const MUTATE = pathToFileURL(join(import.meta.dirname, 'mutate-source.ts')).href;

/** A line of a file of ours, and what it is changed to. */
export type Change = { readonly file: string; readonly from: string; readonly to: string };

/** What roles get so that they run with the change. */
export function mutationEnv(nodeOptions: string, change: Change): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `${nodeOptions} --import=${MUTATE}`, STENO_TEST_MUTATION: JSON.stringify(change) };
}
