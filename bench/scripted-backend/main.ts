import { startScriptedBackend } from '../support/scripted-backend.ts';

/** The scripted backend as a process of its own. `PORT` chooses its port; its first line tells it as JSON. */
const backend = await startScriptedBackend({ port: Number(process.env['PORT'] ?? 0) });
process.stdout.write(
  `${JSON.stringify({ port: backend.port, baseUrl: backend.baseUrl, pid: process.pid })}\n`,
);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void backend.close().then(() => process.exit(0)));
}
