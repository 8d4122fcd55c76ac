import { errorMessage } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import { removeRunState, writeRunState, type RunState } from '../run-state.ts';

export interface StateFile {
  /** Writes the state soon; many calls at once make one write. */
  touch(): void;
  remove(): Promise<void>;
}

/** Keeps `run.json` as `read` says. */
export function openStateFile(read: () => RunState, logger: Logger): StateFile {
  let writing = Promise.resolve();
  let isDue = false;
  let isOpen = true;

  async function write(): Promise<void> {
    isDue = false;
    if (!isOpen) return;
    try {
      await writeRunState(read());
    } catch (error) {
      // The platform runs without it; only other commands are blind.
      logger.warn('state file not written', { reason: errorMessage(error) });
    }
  }

  return {
    touch() {
      if (isDue) return;
      isDue = true;
      writing = writing.then(write);
    },
    async remove() {
      isOpen = false;
      await writing;
      removeRunState(read().dataDir);
    },
  };
}
