import { createPublicKey, type KeyObject } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { errorCode, errorMessage } from '../../runtime/errors.ts';
import { replaceFile } from '../../runtime/replace-file.ts';
import type { RoleContext, RunningRole } from '../../runtime/role.ts';
import type { EventLog } from '../../streams/event-log.ts';
import type { Membership } from '../../streams/log.ts';
import { headJson } from './head-file.ts';
import { createChainReader } from './read-chain.ts';
import { sealLog, type Sealed } from './seal-log.ts';

/**
 * Starts a sealer: what was appended to the topics that are kept for ever is sealed again and again. Of several sealers
 * one seals, the others wait for its place. A chain that is broken is told, and left as it is: chat goes on.
 */
export async function startSealer(ports: {
  readonly context: RoleContext;
  readonly events: EventLog;
  readonly topic: string;
  readonly sealed: readonly string[];
  readonly group: string;
  readonly key: KeyObject;
  readonly version: string;
}): Promise<RunningRole> {
  const { context, events, topic, key } = ports;
  const { config, logger, metrics } = context;
  const { headFile, sealSeconds } = config.audit;
  const stopping = new AbortController();
  const reader = createChainReader(createPublicKey(key));
  const appender = events.openAppender('seals', 'later');
  let mine = false;
  let isTold = false;
  metrics.gauge(
    'steno_audit_head',
    'Number of the last seal of the audit chain.',
    () => reader.chain.head().number,
  );
  metrics.gauge('steno_audit_chain_broken', '1 where the audit chain does not hold.', () =>
    reader.broken() === null ? 0 : 1,
  );
  const records = metrics.counter('steno_audit_sealed_records_total', 'Records that were sealed.');

  async function seal(): Promise<Sealed | null> {
    const sealed = await sealLog({
      ...{ events, appender, topic, sealed: ports.sealed, key, reader },
      producer: { service: 'sealer', version: ports.version },
      signal: stopping.signal,
      now: Date.now,
    });
    if (sealed !== null) {
      records.add({}, sealed.records);
      if (headFile !== null) replaceFile(headFile, headJson(sealed.head, Date.now(), key));
    }
    const broken = reader.broken();
    if (broken !== null && !isTold) {
      isTold = true;
      logger.error('the audit chain is broken: nothing more is sealed', { reason: broken });
    }
    return sealed;
  }

  async function run(): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      let more = false;
      if (mine) {
        try {
          more = (await seal())?.more ?? false;
        } catch (error) {
          if (signal.aborted) return;
          logger.warn('sealing failed and is tried again', {
            code: errorCode(error),
            reason: errorMessage(error),
          });
        }
      }
      if (!more) await pause(sealSeconds * 1000, undefined, { signal }).catch(() => undefined);
    }
  }

  const membership: Membership = await events.log.join({
    group: ports.group,
    topics: [topic],
    onAssigned: () => {
      mine = true;
    },
    onRevoked: () => {
      mine = false;
    },
    onFailure: context.fail,
  });
  const running = run();
  return {
    isReady: () => true,
    facts: () => ({ head: reader.chain.head().number }),
    async stop() {
      stopping.abort();
      await running;
      await membership.leave();
      await appender.close();
      await events.log.close();
    },
  };
}
