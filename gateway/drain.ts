import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { OpenStreams } from './streams/open-streams.ts';
import type { Subscriptions } from './subscriptions/open-subscriptions.ts';
import type { Sockets } from './websocket/accept-sockets.ts';

/** `draining`: not ready. `refusing`: nothing new is taken. */
export type GatewayState = { draining: boolean; refusing: boolean; failed: boolean };

/** How long new messages are still taken after the gateway said that it is not ready. */
const TAKE_MS = 1_000;
/** How long streams may end by themselves. */
const STREAMS_MS = 5_000;
const CLOSE_MS = 3_000;
const POLL_MS = 20;

/**
 * Stops in this order: not ready; every client is told where its streams stand; nothing new; streams end or break
 * off; sockets close with 1012; then the server, the readers and the appender.
 */
export async function drain(gateway: {
  readonly state: GatewayState;
  readonly streams: OpenStreams;
  readonly sockets: Sockets;
  readonly subscriptions: Pick<Subscriptions, 'drain'>;
  readonly app: FastifyInstance;
  readonly closeAll: () => Promise<void>;
}): Promise<void> {
  const { state, streams, sockets, subscriptions, app, closeAll } = gateway;
  const started = performance.now();
  state.draining = true;
  streams.drain();
  sockets.announceDrain();
  subscriptions.drain();
  const isBusy = (): boolean => streams.count() > 0;
  if (!state.failed && (isBusy() || sockets.count() > 0)) await pause(TAKE_MS);
  state.refusing = true;
  while (!state.failed && isBusy() && performance.now() - started < STREAMS_MS) await pause(POLL_MS);
  const streamsStopped = closeAll();
  sockets.close();
  await Promise.race([app.close(), pause(CLOSE_MS, undefined, { ref: false })]);
  app.server.closeAllConnections();
  await streamsStopped;
}
