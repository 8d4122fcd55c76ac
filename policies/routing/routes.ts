/** A model that is tried on some of a route's conversations. */
export type Canary = {
  readonly model: string;
  /** Of a hundred conversations. */
  readonly percent: number;
  /** Share of its turns that may fail, those that another model answered for included. */
  readonly maxErrorRate: number;
  /** What half of its turns must keep to their first token; null for no limit. */
  readonly maxFirstTokenMs: number | null;
  /** Turns before it is judged by its share. */
  readonly minTurns: number;
};

/** Where the messages go that name a route. */
export type RouteRule = {
  readonly model: string;
  /** What the model is told before every message, unless the caller tells it something itself. */
  readonly instructions: string | null;
  readonly canary: Canary | null;
};

/** By name; a name of a model stands for its own route. */
export type Routes = Readonly<Record<string, RouteRule>>;

type RoutableModel = { readonly id: string; readonly pool: string };

/** Returns what is wrong with routes, each with its place; nothing for routes that hold together. */
export function problemsOfRoutes(routes: Routes, models: readonly RoutableModel[]): readonly string[] {
  const known = (id: string): RoutableModel | undefined => models.find((model) => model.id === id);
  return Object.entries(routes).flatMap(([name, { model, canary }]) => {
    const stable = known(model);
    const missing = (field: string, id: string): string =>
      `routes.${name}.${field}: got "${id}", expected the id of a model of the catalogue`;
    if (stable === undefined) return [missing('model', model)];
    if (canary === null) return [];
    const tried = known(canary.model);
    if (tried === undefined) return [missing('canary.model', canary.model)];
    // Workers of a pool answer whatever is asked of it.
    if (tried.pool === stable.pool)
      return [
        `routes.${name}.canary.model: got "${tried.id}", expected a model of another pool than ${stable.id}`,
      ];
    return [];
  });
}

/** True for a conversation that the canary answers: the same ones, and more of them, when its share grows. */
export function isOnCanary(canary: Canary | null, bucket: number): boolean {
  return canary !== null && bucket < canary.percent;
}

/** Returns the routes with this one's canary taken back. */
export function withoutCanary(routes: Routes, name: string): Routes {
  return Object.fromEntries(
    Object.entries(routes).map(([key, rule]) => [key, key === name ? { ...rule, canary: null } : rule]),
  );
}
