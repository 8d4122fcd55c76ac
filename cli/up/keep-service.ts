import { setTimeout as delay } from 'node:timers/promises';
import type { Service } from '../../infra/kafka/process/service.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { planRestart } from './roles/backoff.ts';

export type KeptService = {
  readonly current: () => Service;
  readonly stop: () => Promise<void>;
  readonly kill: () => void;
};

/** Starts a broker or registry again, at its old address, when it ends without being told to. */
export function keepService(options: {
  readonly service: Service;
  readonly restart: () => Promise<Service>;
  readonly say: (text: string) => void;
  readonly onChange: () => void;
}): KeptService {
  const { say } = options;
  const stopping = new AbortController();
  let service = options.service;

  async function keep(): Promise<void> {
    let failures = 0;
    for (;;) {
      const since = performance.now();
      const { code, signal } = await service.exited;
      if (stopping.signal.aborted) return;
      say(`${service.name} ended (${signal ?? `exit code ${code ?? 'unknown'}`}) and is started again`);
      let readyForMs = performance.now() - since;
      for (let again: Service | null = null; again === null;) {
        const plan = planRestart(failures, readyForMs);
        failures = plan.failures;
        readyForMs = 0;
        await delay(plan.pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
        if (stopping.signal.aborted) return;
        again = await options.restart().catch((error: unknown) => {
          say(`${service.name} does not start: ${errorMessage(error)}`);
          return null;
        });
        service = again ?? service;
      }
      if (stopping.signal.aborted) return service.stop();
      options.onChange();
    }
  }

  const ended = keep();
  return {
    current: () => service,
    async stop() {
      stopping.abort();
      await service.stop();
      // A restart that is under way stops what it started.
      await ended;
    },
    kill: () => service.kill(),
  };
}
