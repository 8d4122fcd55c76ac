/**
 * What a test or a bench asks of the scripted engine. In a prompt it stands in the last user message as
 * `[[tokens=20 pace=0 first=0 fail=after:5]]`:
 *
 * - `tokens=N` the answer has N tokens (else 20 to 60, by the seed), `maxTokens` permitting
 * - `pace=MS` pause before every token but the first; `first=MS` pause before the first
 * - `fail=after:N` throws `engine_failed` before token N; `fail=always:N` before the Nth token of every attempt
 * - `unavailable=after:N` / `always:N` the same with `engine_unavailable` (retryable)
 * - `hang=after:N` / `always:N` gives nothing more until it is aborted
 * - `abort=after:N` / `always:N` ends the process, if the engine was built with `abort`; else as `unavailable`
 * - `seed=N` another answer to the same words; `echo=1` answers with the message itself
 *
 * `after:N` counts the tokens of the answer, those of the prefix included: the attempt that goes on from there passes.
 */
export type Directives = {
  readonly tokens: number | null;
  readonly paceMs: number;
  readonly firstMs: number;
  readonly faults: readonly Fault[];
  readonly seed: number;
  readonly echo: boolean;
};

export type Fault = {
  readonly kind: 'fail' | 'unavailable' | 'hang' | 'abort';
  readonly when: 'after' | 'always';
  readonly tokens: number;
};

export const NO_DIRECTIVES: Directives = {
  tokens: null,
  paceMs: 0,
  firstMs: 0,
  faults: [],
  seed: 0,
  echo: false,
};

const BLOCK = /\[\[([^\]]*)\]\]/g;
const NUMBER = /^\d+(\.\d+)?$/;
const FAULT = /^(after|always):(\d+)$/;

/** Reads the directives of a text over `defaults`; what is no directive is left alone. */
export function parseDirectives(text: string, defaults: Directives): Directives {
  if (!text.includes('[[')) return defaults;
  let result = defaults;
  for (const [, block = ''] of text.matchAll(BLOCK)) {
    for (const word of block.trim().split(/\s+/)) result = apply(result, word);
  }
  return result;
}

/** The text without its directives. */
export function withoutDirectives(text: string): string {
  return text.replaceAll(BLOCK, '').trim();
}

function apply(directives: Directives, word: string): Directives {
  const [name = '', value = ''] = word.split('=', 2);
  if (name === 'fail' || name === 'unavailable' || name === 'hang' || name === 'abort') {
    const [, when, tokens] = FAULT.exec(value) ?? [];
    if (when !== 'after' && when !== 'always') return directives;
    return { ...directives, faults: [...directives.faults, { kind: name, when, tokens: Number(tokens) }] };
  }
  if (!NUMBER.test(value)) return directives;
  const number = Number(value);
  if (name === 'tokens') return { ...directives, tokens: Math.floor(number) };
  if (name === 'pace') return { ...directives, paceMs: number };
  if (name === 'first') return { ...directives, firstMs: number };
  if (name === 'seed') return { ...directives, seed: Math.floor(number) };
  if (name === 'echo') return { ...directives, echo: number > 0 };
  return directives;
}
