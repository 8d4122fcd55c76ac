import type { KeyObject } from 'node:crypto';
import { isType } from '../../streams/event.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { decodeBatch } from '../../streams/runner/decode-batch.ts';
import { readStretches } from '../../streams/runner/read-stretches.ts';
import { createChain, type Chain } from './chain/chain.ts';
import { isSigned, type Seal } from './chain/seal.ts';

/** The chain of an installation, as far as it was read. */
export interface ChainReader {
  readonly chain: Chain;
  /** How the chain breaks; null while it does not. Nothing behind the break counts. */
  broken(): string | null;
  /** Takes seals in the order of the log. */
  take(seals: readonly Seal[]): void;
  /** Reads to the end of the topic. Throws as the log does. */
  catchUp(events: EventLog, topic: string, signal: AbortSignal): Promise<void>;
}

/** `onSeal` is called with each seal that counts. */
export function createChainReader(
  publicKey: KeyObject,
  onSeal: (seal: Seal) => void = () => undefined,
): ChainReader {
  const chain = createChain((seal) => isSigned(seal, publicKey));
  let broken: string | null = null;
  let next = 0;

  function take(seals: readonly Seal[]): void {
    for (const seal of seals) {
      if (broken !== null) return;
      const result = chain.add(seal);
      if (result === 'added') onSeal(seal);
      else if (result !== 'repeat') ({ broken } = result);
    }
  }

  return {
    chain,
    broken: () => broken,
    take,
    async catchUp(events, topic, signal) {
      const [end = 0] = await events.log.offsets(topic, 'end');
      await readStretches(events.log, [{ topic, partition: 0, from: next, to: end }], {
        name: 'audit-chain',
        signal,
        async onRecords(_place, records) {
          const decoded = await decodeBatch(events, records, signal);
          if (decoded.poison.length > 0) broken ??= 'the topic of seals has a record that is no seal';
          take(decoded.events.flatMap((event) => (isType(event, 'ChainSealed') ? [event.data] : [])));
        },
      });
      next = Math.max(next, end);
    },
  };
}
