import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Measured } from '../support/usage.ts';

const PROGRAM = fileURLToPath(new URL('../scripted-backend/main.ts', import.meta.url));

/** The scripted OpenAI-compatible server, in a process of its own as a model server is. */
export type Backend = { readonly baseUrl: string; readonly process: Measured; close(): Promise<void> };

export async function startBackend(): Promise<Backend> {
  const child = spawn(process.execPath, [PROGRAM], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const ended = exited.then(() => Promise.reject(new Error('the scripted backend ended while it started')));
  const lines = createInterface({ input: child.stdout });
  const [first] = (await Promise.race([once(lines, 'line'), ended])) as [string];
  ended.catch(() => undefined);
  // The program's first line.
  const { baseUrl, pid } = JSON.parse(first) as { readonly baseUrl: string; readonly pid: number };
  return {
    baseUrl,
    process: { name: 'backend', pid, metricsUrl: null },
    async close() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
