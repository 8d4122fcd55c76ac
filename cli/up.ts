import { parseConfig } from '../runtime/config.ts';
import { processEnvironment } from '../runtime/environment.ts';
import { createTerminalProgress } from './terminal-progress.ts';
import { readyText } from './up/ready-text.ts';
import { aborted, StopRequested, stopSignal } from './up/stop-request.ts';
import { createSupervisorLogger } from './up/supervisor-logger.ts';
import { supervise } from './up/supervise.ts';

/** What a shell is told when somebody interrupts a start. */
const INTERRUPTED = 130;

/**
 * `steno up`: starts everything on this machine and runs until it is told to stop. Then everything is stopped in order;
 * a second request ends it at once. Returns the exit code; throws what made the start fail, with nothing left running.
 */
export async function up(): Promise<number> {
  const began = performance.now();
  const signal = stopSignal();
  // A terminal that was closed, or the end of a pipe: there is nobody to tell, and everything is stopped in order.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const env = processEnvironment();
  const config = parseConfig(env);
  const progress = createTerminalProgress(process.stdout);
  const logger = createSupervisorLogger(config.dataDir, (text) => progress.line(text));
  try {
    await using cleanup = new AsyncDisposableStack();
    const found = await supervise({ config, env, progress, logger, signal }, cleanup);
    const { defaultModel } = found.models;
    const text = readyText({
      ...found,
      dataDir: config.dataDir,
      model: defaultModel.id,
      isDemoModel: config.model === null && config.modelsFile === null,
      needsKey: config.keysFile !== null || config.auth === 'required',
      startSeconds: (performance.now() - began) / 1_000,
    });
    progress.line(text.trimEnd());
    await aborted(signal);
    progress.line('\nstopping; once more Ctrl-C ends everything at once');
  } catch (error) {
    if (error instanceof StopRequested) return INTERRUPTED;
    throw error;
  }
  progress.line('stopped');
  return 0;
}
