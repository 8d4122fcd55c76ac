#!/usr/bin/env node
// The steno command: cli/main.ts under the pinned Node.
import path from 'node:path';
import { root } from './ensure-installed.js';
import { runPinned } from './run-pinned.js';

await runPinned(path.join(root, 'cli', 'main.ts'), process.argv.slice(2), { tools: false });
