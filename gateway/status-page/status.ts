import type { RecentTurns } from './recent-turns.ts';

/** What the status page shows: figures of the whole installation, nothing of any tenant. */
export type Status = {
  /** ISO 8601. */
  readonly at: string;
  readonly version: string;
  /** First part of every topic and group name. */
  readonly prefix: string;
  /** Model of messages that name none. */
  readonly model: string;
  readonly gateway: {
    readonly state: 'healthy' | 'draining' | 'unhealthy';
    readonly instance: string;
    readonly uptimeSeconds: number;
  };
  readonly kafka: { readonly problem: string | null };
  readonly roles: readonly RoleStatus[];
  readonly workers: readonly WorkerStatus[];
  readonly lag: readonly LagStatus[];
  readonly queues: readonly QueueStatus[];
  readonly breakers: readonly BreakerStatus[];
  readonly turns: RecentTurns;
};

/** `unseen`: no group of the role ever committed. `unknown`: the broker does not answer. */
export type RoleHealth = 'up' | 'moving' | 'down' | 'unseen' | 'unknown';

export type RoleStatus = {
  readonly role: string;
  /** Pool, processor or projection. */
  readonly name: string;
  readonly health: RoleHealth;
  /** Processes in its group. */
  readonly processes: number;
  readonly lag: number;
};

export type WorkerStatus = {
  readonly id: string;
  readonly model: string;
  readonly slots: number;
  readonly active: number;
  readonly queued: number;
  readonly tokensPerSecond: number;
  readonly residentBytes: number;
  readonly secondsSilent: number;
};

export type LagStatus = {
  readonly group: string;
  readonly topic: string;
  readonly partitions: number;
  readonly records: number;
};

/** What is over the limit is refused. */
export type QueueStatus = { readonly name: string; readonly now: number; readonly limit: number };

/** The breaker between a worker and its backend. */
export type BreakerStatus = { readonly worker: string; readonly target: string; readonly isOpen: boolean };
