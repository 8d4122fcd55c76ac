import type { Phase } from './lifecycle.ts';

/** How a role is, in numbers. */
export type RoleFacts = {
  readonly phase: Phase;
  readonly ready: boolean;
  readonly facts: Readonly<Record<string, number>>;
};

/** What a role tells the process that forked it; `health` is where `/readyz` and `/metrics` are. */
export type RoleMessage =
  | { readonly type: 'ready'; readonly address: string | null; readonly health: string | null }
  | ({ readonly type: 'facts'; readonly id: number } & RoleFacts);

/** What it may be asked. Besides it understands the text `stop`. */
export type RoleRequest = { readonly type: 'facts'; readonly id: number };

/** Reads what came over the channel to the parent; null for what is not ours. */
export function parseRoleRequest(value: unknown): RoleRequest | null {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('id' in value)) return null;
  return value.type === 'facts' && typeof value.id === 'number' ? { type: 'facts', id: value.id } : null;
}
