/** A model as the gateway knows it: plain data of the catalogue. */
export type Model = {
  readonly id: string;
  readonly aliases: readonly string[];
  /** Family of interchangeable models. */
  readonly pool: string;
  /** Tokens of prompt and answer together. */
  readonly contextLength: number;
  /** Most tokens of one answer. */
  readonly maxOutputTokens: number;
  /** Ids of the models that answer where this one cannot, asked in this order. */
  readonly fallbacks: readonly string[];
  /** How old an answer may be that is given again to the same prompt, in seconds; 0 for no cache. */
  readonly cacheSeconds: number;
  /** Per million tokens. */
  readonly price: {
    readonly inputPerMillion: number;
    readonly outputPerMillion: number;
    readonly currency: string;
  };
};

/** Which models a message may name. */
export interface ModelDirectory {
  /** By id or alias; null stands for the default model. Returns null for a name nobody knows. */
  resolve(name: string | null): Model | null;
  list(): readonly Model[];
}

/** Returns the directory of a catalogue. A name of its own wins over one that the default model answers to for demos. */
export function directoryOf(
  models: readonly Model[],
  defaultModel: Model,
  demoAliases: readonly string[],
): ModelDirectory {
  const named = new Map([
    ...demoAliases.map((alias) => [alias, defaultModel] as const),
    ...models.flatMap((model) => model.aliases.map((alias) => [alias, model] as const)),
    ...models.map((model) => [model.id, model] as const),
  ]);
  return {
    resolve: (name) => (name === null ? defaultModel : (named.get(name) ?? null)),
    list: () => models,
  };
}
