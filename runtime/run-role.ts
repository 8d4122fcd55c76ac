import { constants } from 'node:os';
import { parseConfig, type Config } from './config.ts';
import { processEnvironment } from './environment.ts';
import { errorCode, errorMessage, StenoError } from './errors.ts';
import { startHealthServer } from './health-server.ts';
import { measureEventLoop } from './lifecycle-metrics.ts';
import { parseRoleRequest, type RoleFacts, type RoleMessage } from './lifecycle-messages.ts';
import { advance, initialLifecycle, type LifecycleEffect, type LifecycleEvent } from './lifecycle.ts';
import { createLogger, type Logger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import type { RunningRole, StartRole } from './role.ts';
import { noTracer, type Tracer } from './tracing.ts';
import { openTracer } from './tracing/open-tracer.ts';

/** How long a stop may take before the process ends as it is. */
const STOP_MS = 25_000;
/** The same after a failure: what is left to save is less, and a successor waits. */
const STOP_AFTER_FAILURE_MS = 5_000;
const READY_POLL_MS = 20;
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

export type RoleOptions = {
  /** True when the role's own address answers `/livez`, `/readyz` and `/metrics`; else a server on loopback does. */
  readonly servesHealth?: boolean;
};

/**
 * Runs a role as this process: parses its settings, starts it, and stops it in order on SIGTERM, SIGINT, SIGHUP, or when
 * the process that forked it asks or vanishes. Exits with 0 after a clean stop, with 1 after a failure that is logged in
 * one line with cause and fix, with 128 + n at a second signal.
 *
 * A parent with a channel hears `ready` once the role can take work, and may ask for facts: `lifecycle-messages.ts`.
 */
export async function runRole(name: string, start: StartRole, options: RoleOptions = {}): Promise<void> {
  const { config, logger } = configure(name);
  const metrics = createMetrics(name);
  measureEventLoop(metrics);
  let life = initialLifecycle;
  let role: RunningRole | undefined;
  let tracer: Tracer = noTracer;
  let health: string | null = null;

  function read(): RoleFacts {
    const ready = life.phase === 'running' && role?.isReady() === true;
    return { phase: life.phase, ready, facts: role?.facts?.() ?? {} };
  }

  function handle(event: LifecycleEvent): void {
    const before = life.phase;
    const step = advance(life, event);
    life = step.next;
    if (life.phase !== before) logger.info('role changed phase', { from: before, to: life.phase });
    for (const effect of step.effects) effects[effect]();
  }

  const effects: Readonly<Record<LifecycleEffect, () => void>> = {
    announce() {
      whenReady(read, () => {
        const address = role?.address ?? null;
        logger.info('role is ready', { address, health });
        tell({ type: 'ready', address, health: options.servesHealth === true ? address : health });
      });
    },
    setDeadline() {
      const millis = life.exitCode === 0 ? STOP_MS : STOP_AFTER_FAILURE_MS;
      setTimeout(() => {
        logger.error('role did not stop in time', { millis });
        handle({ type: 'deadlinePassed' });
      }, millis);
    },
    stop() {
      role
        ?.stop()
        .then(() => tracer.stop())
        .then(() => handle({ type: 'stopFinished' }), fail);
    },
    exit() {
      process.exit(life.exitCode);
    },
  };

  function fail(error: unknown): void {
    logger.error('role failed', failureFields(error));
    handle({ type: 'failed', atMs: performance.now() });
  }

  // A role lives until its lifecycle ends, also while it has nothing open.
  setInterval(() => undefined, 60_000);
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  for (const signal of STOP_SIGNALS) {
    const number = constants.signals[signal];
    process.on(signal, () => handle({ type: 'stopAsked', atMs: performance.now(), signal: number }));
  }
  const stopForParent = (): void => handle({ type: 'stopAsked', atMs: performance.now(), signal: null });
  listenToParent({ stop: stopForParent, read });

  try {
    if (options.servesHealth !== true)
      health = await startHealthServer({ port: config.healthPort, read, metrics });
    tracer = await openTracer(config, name, metrics);
    role = await start({ config, logger, metrics, tracer, fail });
    handle({ type: 'started' });
  } catch (error) {
    fail(error);
  }
}

function configure(name: string): { readonly config: Config; readonly logger: Logger } {
  try {
    const config = parseConfig(processEnvironment());
    return { config, logger: createLogger({ role: name, level: config.logLevel }) };
  } catch (error) {
    createLogger({ role: name, level: 'error' }).error('role failed', failureFields(error));
    process.exit(1);
  }
}

/** Everything a person needs in one line; the stack only where nobody foresaw the error. */
function failureFields(error: unknown): Record<string, unknown> {
  const cause = error instanceof Error ? error.cause : undefined;
  return {
    code: errorCode(error),
    reason: errorMessage(error),
    ...(cause === undefined ? {} : { cause: errorMessage(cause) }),
    ...(error instanceof StenoError ? { ...error.facts, fix: error.fix, retryable: error.retryable } : {}),
    ...(error instanceof Error && !(error instanceof StenoError) ? { stack: error.stack } : {}),
  };
}

function whenReady(read: () => RoleFacts, then: () => void): void {
  const { phase, ready } = read();
  if (ready) then();
  else if (phase === 'running') setTimeout(whenReady, READY_POLL_MS, read, then);
}

function listenToParent(role: { readonly stop: () => void; readonly read: () => RoleFacts }): void {
  if (process.channel === undefined) return;
  process.on('disconnect', role.stop);
  process.on('message', (message) => {
    if (message === 'stop') role.stop();
    const request = parseRoleRequest(message);
    if (request !== null) tell({ type: 'facts', id: request.id, ...role.read() });
  });
  process.send?.('accepts-stop');
}

/** A parent that is gone hears nothing, and its disconnect stops the role. */
function tell(message: RoleMessage): void {
  if (process.connected) process.send?.(message, () => undefined);
}
