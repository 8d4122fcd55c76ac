import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { splitFrames } from './frames.ts';

/** Kafka protocol guide, API keys. */
export const API = { produce: 0, offsetCommit: 8 } as const;

/** How long a process lives on with a request that it believes to be on its way. */
const SWALLOWED_MS = 300;

/** A place in the traffic with the broker at which something happens to the process behind the door. */
export type Trap = {
  readonly apiKey: number;
  /** All of them stand in the request. */
  readonly words: readonly string[];
  /** `before` it reaches the broker; `swallowed`: it never does, and the process lives a little; `unacked` once the broker has answered; `acked` once the process has heard it. */
  readonly when: 'before' | 'swallowed' | 'unacked' | 'acked';
  /** Requests that pass before the trap springs. */
  skip: number;
  readonly spring: () => void;
};

/** The way of one process to one server, which can be watched and broken. Each broker listener leads back to its door. */
export type Door = {
  readonly port: number;
  /** The next request that fits springs the trap, once; null for none. */
  arm(trap: Trap | null): void;
  /** Breaks every connection and lets nobody in until `mend`. */
  cut(): void;
  mend(): void;
  /** Everything takes so much longer, each way; 0 for no longer. */
  delay(millis: number): void;
  /** The next produce request waits so long and is then delivered, whether anybody waits for it or not. */
  holdProduce(millis: number): void;
  close(): Promise<void>;
};

/** Opens a door on a port of loopback, 0 for any, to another port there; what is not Kafka's protocol is not framed. */
export async function openDoor(
  port: number,
  target: number,
  { framed }: { readonly framed: boolean } = { framed: true },
): Promise<Door> {
  const pairs = new Set<Pair>();
  const state: DoorState = { trap: null, delayMs: 0, holdMs: 0 };
  let open = true;
  const server = createServer((client) => {
    if (!open) return client.resetAndDestroy();
    const pair = openPair(client, connect({ host: '127.0.0.1', port: target }), state, framed);
    pairs.add(pair);
    void pair.closed.then(() => pairs.delete(pair));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const breakAll = (): void => {
    for (const pair of pairs) pair.destroy();
  };
  return {
    // A server that listens on a port has an address of this kind.
    port: (server.address() as AddressInfo).port,
    arm(trap) {
      state.trap = trap;
    },
    cut() {
      open = false;
      breakAll();
    },
    mend() {
      open = true;
    },
    delay(millis) {
      state.delayMs = millis;
    },
    holdProduce(millis) {
      state.holdMs = millis;
    },
    async close() {
      server.close();
      breakAll();
      await once(server, 'close');
    },
  };
}

type DoorState = { trap: Trap | null; delayMs: number; holdMs: number };
type Pair = { readonly closed: Promise<void>; readonly destroy: () => void };

function openPair(client: Socket, broker: Socket, state: DoorState, framed: boolean): Pair {
  /** Requests whose answer springs a trap, by correlation id. */
  const watched = new Map<number, Trap>();
  let held = false;
  let ended = false;
  let settle: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => (settle = resolve));
  const toBroker = inOrder((frame) => void broker.write(frame), state);
  const toClient = inOrder((frame) => void client.write(frame), state);

  function destroy(): void {
    if (ended) return;
    ended = true;
    client.destroy();
    broker.destroy();
    settle();
  }
  for (const socket of [client, broker]) {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
  }
  broker.on('close', destroy);
  // A request that is held is delivered even when nobody waits for it any more.
  client.on('close', () => (held ? undefined : destroy()));

  function takeRequest(frame: Buffer): void {
    const apiKey = frame.readInt16BE(4);
    if (apiKey === API.produce && state.holdMs > 0) return hold(frame);
    const { trap } = state;
    if (trap === null || !fits(trap, apiKey, frame)) return toBroker(frame);
    state.trap = null;
    if (trap.when === 'before') {
      trap.spring();
      return destroy();
    }
    if (trap.when === 'swallowed') {
      setTimeout(() => {
        trap.spring();
        destroy();
      }, SWALLOWED_MS);
      return;
    }
    watched.set(frame.readInt32BE(8), trap);
    toBroker(frame);
  }

  function takeAnswer(frame: Buffer): void {
    const correlation = frame.readInt32BE(4);
    const trap = watched.get(correlation);
    if (trap === undefined) return toClient(frame);
    watched.delete(correlation);
    if (trap.when === 'unacked') {
      trap.spring();
      return destroy();
    }
    client.write(frame, () => trap.spring());
  }

  function hold(frame: Buffer): void {
    const { holdMs } = state;
    state.holdMs = 0;
    held = true;
    setTimeout(() => {
      broker.write(frame, () => {
        held = false;
        if (client.destroyed) setTimeout(destroy, 200);
      });
    }, holdMs);
  }

  client.on('data', framed ? splitFrames(takeRequest) : toBroker);
  broker.on('data', framed ? splitFrames(takeAnswer) : toClient);
  return { closed, destroy };
}

function fits(trap: Trap, apiKey: number, frame: Buffer): boolean {
  if (apiKey !== trap.apiKey || !trap.words.every((word) => frame.includes(word))) return false;
  trap.skip -= 1;
  return trap.skip < 0;
}

/** Writes now, or later by the delay, never out of order. */
function inOrder(write: (frame: Buffer) => void, state: DoorState): (frame: Buffer) => void {
  let waiting = 0;
  let due = 0;
  return (frame) => {
    if (state.delayMs === 0 && waiting === 0) return write(frame);
    waiting += 1;
    due = Math.max(due, performance.now() + state.delayMs);
    setTimeout(() => {
      waiting -= 1;
      write(frame);
    }, due - performance.now());
  };
}
