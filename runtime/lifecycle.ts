/** Where a process stands: `starting -> running -> draining -> stopped | failed`. */
export type Phase = 'starting' | 'running' | 'draining' | 'stopped' | 'failed';

export type Lifecycle = {
  readonly phase: Phase;
  /** Whether the start has finished, so that there is something to stop. */
  readonly started: boolean;
  /** When draining began, on the clock of the events; null before. */
  readonly drainingSinceMs: number | null;
  readonly exitCode: number;
};

export type LifecycleEvent =
  | { readonly type: 'started' }
  /** `signal` is the number of the signal that asks; null when the parent asks or has vanished. */
  | { readonly type: 'stopAsked'; readonly atMs: number; readonly signal: number | null }
  | { readonly type: 'failed'; readonly atMs: number }
  | { readonly type: 'stopFinished' }
  | { readonly type: 'deadlinePassed' };

/** What the shell shall do now. `setDeadline` comes once, when draining begins. */
export type LifecycleEffect = 'announce' | 'setDeadline' | 'stop' | 'exit';

export type LifecycleStep = { readonly next: Lifecycle; readonly effects: readonly LifecycleEffect[] };

export const initialLifecycle: Lifecycle = {
  phase: 'starting',
  started: false,
  drainingSinceMs: null,
  exitCode: 0,
};

/** A signal this soon after draining began is the same wish: a terminal, npm and a parent may each send one. */
const SAME_WISH_MS = 500;

/**
 * One step of a process's life. A stop that is asked for during the start waits for the start's end; a failure of a
 * running process stops it in order; a second signal, and a failure while draining, end it at once.
 */
export function advance(now: Lifecycle, event: LifecycleEvent): LifecycleStep {
  if (now.phase === 'stopped' || now.phase === 'failed') return stay(now);
  switch (event.type) {
    case 'started':
      return onStarted(now);
    case 'stopAsked':
      return onStopAsked(now, event);
    case 'failed':
      return now.phase === 'running' ? drain({ ...now, exitCode: 1 }, event.atMs) : end(now, 'failed', 1);
    case 'stopFinished':
      return end(now, now.exitCode === 0 ? 'stopped' : 'failed', now.exitCode);
    case 'deadlinePassed':
      return end(now, 'failed', 1);
  }
}

function onStarted(now: Lifecycle): LifecycleStep {
  if (now.phase === 'draining') return { next: { ...now, started: true }, effects: ['stop'] };
  return { next: { ...now, phase: 'running', started: true }, effects: ['announce'] };
}

function onStopAsked(now: Lifecycle, asked: { atMs: number; signal: number | null }): LifecycleStep {
  const { drainingSinceMs } = now;
  if (drainingSinceMs === null) return drain(now, asked.atMs);
  if (asked.signal === null || asked.atMs - drainingSinceMs <= SAME_WISH_MS) return stay(now);
  return end(now, 'failed', 128 + asked.signal);
}

function drain(now: Lifecycle, atMs: number): LifecycleStep {
  return {
    next: { ...now, phase: 'draining', drainingSinceMs: atMs },
    effects: now.started ? ['setDeadline', 'stop'] : ['setDeadline'],
  };
}

function end(now: Lifecycle, phase: 'stopped' | 'failed', exitCode: number): LifecycleStep {
  return { next: { ...now, phase, exitCode }, effects: ['exit'] };
}

function stay(now: Lifecycle): LifecycleStep {
  return { next: now, effects: [] };
}
