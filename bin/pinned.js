#!/usr/bin/env node
// node bin/pinned.js <file.ts> [arguments]: runs a program of this repository under the pinned Node.
import { runPinned } from './run-pinned.js';

const [file, ...parameters] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('usage: node bin/pinned.js <file.ts> [arguments]\n');
  process.exit(2);
}
await runPinned(file, parameters, { tools: true });
