/** Group of prepare-turn. */
export function prepareTurnGroup(prefix: string): string {
  return `${prefix}-prepare-turn`;
}

/** Group of the workers of a pool; with an empty pool, what the groups of all pools begin with. */
export function workersGroup(prefix: string, pool: string): string {
  return `${prefix}-workers-${pool}`;
}

/** Group of a projection, named with its version. */
export function projectionGroup(prefix: string, projection: string): string {
  return `${prefix}-projection-${projection}`;
}

/** Group of the sealers: one of them seals, the others wait. */
export function sealerGroup(prefix: string): string {
  return `${prefix}-sealer`;
}

/** Which role a consumer group of this installation belongs to, and what it does there. */
export type GroupOwner = { readonly role: string; readonly name: string };

/** Reads a name that the functions above made. Any other group with the prefix is somebody's who subscribes. */
export function ownerOf(prefix: string, group: string): GroupOwner {
  const nameAfter = (start: string): string | null =>
    group.startsWith(start) && group.length > start.length ? group.slice(start.length) : null;
  const pool = nameAfter(workersGroup(prefix, ''));
  if (pool !== null) return { role: 'inference-worker', name: pool };
  const projection = nameAfter(projectionGroup(prefix, ''));
  if (projection !== null) return { role: 'projections', name: projection };
  const name = nameAfter(`${prefix}-`) ?? group;
  if (group === sealerGroup(prefix)) return { role: 'sealer', name };
  return { role: group === prepareTurnGroup(prefix) ? 'processors' : 'subscriber', name };
}
