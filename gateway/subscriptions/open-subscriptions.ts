import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { EventLog } from '../../streams/event-log.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import type { Call } from '../call.ts';
import { openEventStream, type EventStream } from '../http/event-stream.ts';
import { goesAway, problemBody, problemOf, refuse } from '../problems.ts';
import type { FlushLater } from '../streams/flush-queue.ts';
import type { Plan, SubscribableTopic } from './plan.ts';
import { startPlaces } from './start-places.ts';
import { openSubscription, type Subscription } from './subscription.ts';

/** Each reads the log on a connection of its own: a tenant has at most so many on one gateway. */
const MOST_OF_A_TENANT = 16;
/** A subscriber hears at least so often how far was read, also where nothing is for it. */
const CURSOR_MS = 5_000;

type Open = {
  readonly call: Call;
  readonly stream: EventStream;
  subscription: Subscription | null;
  /** The cursor that was written last. */
  told: string;
};

/** Every subscription of this gateway. */
export interface Subscriptions {
  /**
   * Streams what the plan says until the client goes, its credential ends, or the gateway drains. `admit` is awaited
   * before anything is sent. Throws `overloaded`, `draining`, `bad_cursor` and as the log does, all before the response
   * is taken over.
   */
  open(order: {
    readonly call: Call;
    readonly plan: Plan;
    readonly admit: () => Promise<void>;
    readonly takeOver: () => { readonly response: ServerResponse; readonly headers: OutgoingHttpHeaders };
  }): Promise<void>;
  count(): number;
  /** Ends those whose credential is no longer good. */
  checkCredentials(): void;
  /** Tells every subscriber to go on elsewhere, and takes no more. */
  drain(): void;
  stop(): Promise<void>;
}

export function createSubscriptions(deps: {
  readonly events: EventLog;
  readonly prefix: string;
  readonly most: number;
  readonly flushLater: FlushLater;
  readonly onPoison: () => void;
  /** A subscription failed while it was read; its client can come again. */
  readonly onBroken: (error: unknown) => void;
}): Subscriptions {
  const { events, prefix, most, flushLater } = deps;
  const nameOf = (topic: SubscribableTopic): string => topicName(prefix, datasets[topic]);
  const all = new Set<Open>();
  /** Subscriptions that are being opened, by tenant, and those that are open. */
  const held = new Map<string, number>();
  let count = 0;
  let draining = false;
  const closing = new Set<Promise<void>>();
  const cursors = setInterval(() => all.forEach(tell), CURSOR_MS);
  cursors.unref();

  function hold(tenantId: string): () => void {
    const mine = held.get(tenantId) ?? 0;
    if (count >= most || mine >= MOST_OF_A_TENANT) {
      throw refuse('overloaded', 'no more subscriptions can be opened here', {
        fix: 'end one of yours, or ask another gateway',
      });
    }
    count += 1;
    held.set(tenantId, mine + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      count -= 1;
      const left = (held.get(tenantId) ?? 1) - 1;
      if (left === 0) held.delete(tenantId);
      else held.set(tenantId, left);
    };
  }

  /** Lets a subscriber know how far was read: an id without data, that no client takes for an event. */
  function tell(open: Open): void {
    const cursor = open.subscription?.cursor();
    if (cursor === undefined || cursor === open.told) return;
    open.told = cursor;
    open.stream.write(`id: ${cursor}\n\n`);
  }

  function close({ subscription }: Open): void {
    if (subscription === null) return;
    const closed = subscription.stop().finally(() => closing.delete(closed));
    closing.add(closed);
  }

  function end(open: Open, text: string): void {
    tell(open);
    open.stream.end(text);
  }

  return {
    count: () => count,
    async open({ call, plan, admit, takeOver }) {
      if (draining) throw goesAway();
      const release = hold(call.caller.tenantId);
      let places;
      try {
        places = await startPlaces(events.log, nameOf, plan);
        await admit();
      } catch (error) {
        release();
        throw error;
      }
      const open: Open = {
        call,
        subscription: null,
        told: '',
        stream: openEventStream({
          ...takeOver(),
          resumed: false,
          isPaced: true,
          flushLater,
          heartbeat: ':\n\n',
          onClose() {
            all.delete(open);
            release();
            close(open);
          },
        }),
      };
      all.add(open);
      open.stream.begin();
      const fail = (error: unknown): void => {
        deps.onBroken(error);
        end(open, `event: error\ndata: ${problemBody(problemOf(error))}\n\n`);
      };
      try {
        const subscription = await openSubscription({
          ...{ events, nameOf, places, filter: plan.filter, subscriber: open.stream },
          onPoison: deps.onPoison,
          onFailure: fail,
          onCaughtUp(cursor) {
            open.told = cursor;
            if (plan.endsAtEnd) open.stream.end(`id: ${cursor}\nevent: end\ndata: {}\n\n`);
            else open.stream.write(`id: ${cursor}\nevent: caught_up\ndata: {}\n\n`);
          },
        });
        open.subscription = subscription;
        if (open.stream.isClosed()) close(open);
        else if (draining) end(open, DRAINING);
      } catch (error) {
        fail(error);
      }
    },
    checkCredentials() {
      for (const open of all) {
        if (open.call.isValid?.() !== false) continue;
        const gone = refuse('invalid_api_key', 'the credential of this subscription is no longer good');
        end(open, `event: error\ndata: ${problemBody(problemOf(gone))}\n\n`);
      }
    },
    drain() {
      draining = true;
      for (const open of all) end(open, DRAINING);
    },
    async stop() {
      clearInterval(cursors);
      await Promise.allSettled(closing);
    },
  };
}

const DRAINING = 'event: draining\ndata: {}\n\n';
