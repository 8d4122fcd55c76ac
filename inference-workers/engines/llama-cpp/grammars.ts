import type { Llama, LlamaGrammar, LlamaModel, Token } from 'node-llama-cpp';
import { LlamaGrammarEvaluationState } from 'node-llama-cpp';
import { errorMessage, StenoError } from '../../../runtime/errors.ts';
import type { Prompt } from '../../engine.ts';
import { grammarSchema } from './grammar-schema.ts';

/** Keeps answers to the JSON that they have to be: of every token only those may be drawn that go on with it. */
export interface Grammars {
  /**
   * Returns where an answer stands in its grammar, its prefix taken in; null for an answer without one.
   * Throws StenoError `engine_failed` for a schema that cannot be kept to, or a prefix that does not.
   */
  open(prompt: Prompt): Promise<LlamaGrammarEvaluationState | null>;
}

/** Grammars that are kept: most callers ask again and again for the same. */
const MOST_KEPT = 100;
/** How the library ends its grammars: a mark for whoever reads on, which here would be part of the answer. */
const LIBRARY_END = / "\\n\\n\\n\\n" \[\\n\]\*$/m;

export function createGrammars(llama: Llama, model: LlamaModel): Grammars {
  const kept = new Map<string, Promise<LlamaGrammar>>();

  function grammarOf(schema: string): Promise<LlamaGrammar> {
    const known = kept.get(schema);
    if (known !== undefined) return known;
    const made = build(llama, schema);
    kept.set(schema, made);
    for (const oldest of kept.keys()) {
      if (kept.size <= MOST_KEPT) break;
      kept.delete(oldest);
    }
    return made;
  }

  return {
    async open({ format, prefix }) {
      if (format === null) return null;
      try {
        const grammar = await grammarOf(format.schema);
        const state = new LlamaGrammarEvaluationState({ model, grammar });
        for (const token of model.tokenize(prefix, false)) accept(llama, state, token);
        return state;
      } catch (error) {
        kept.delete(format.schema);
        throw new StenoError('engine_failed', `the format cannot be kept to: ${firstLine(error)}`, {
          cause: error,
        });
      }
    },
  };
}

async function build(llama: Llama, schema: string): Promise<LlamaGrammar> {
  // The gateway has checked it; the library says what it cannot do.
  const made = await llama.createGrammarForJsonSchema(
    grammarSchema(JSON.parse(schema)) as { type: 'object' },
  );
  return llama.createGrammar({ grammar: made.grammar.replace(LIBRARY_END, '') });
}

/**
 * Moves a state over a token that was drawn before: what the library's own predictor of tokens does (LlamaSampler of
 * node-llama-cpp 3.22), and its public interface does not offer.
 */
function accept(llama: Llama, state: LlamaGrammarEvaluationState, token: Token): void {
  const { _bindings } = llama as unknown as {
    readonly _bindings: {
      readonly AddonSampler: { acceptGrammarEvaluationStateToken(state: unknown, token: Token): void };
    };
  };
  const { _state } = state as unknown as { readonly _state: unknown };
  _bindings.AddonSampler.acceptGrammarEvaluationStateToken(_state, token);
}

function firstLine(error: unknown): string {
  return errorMessage(error).split('\n', 1)[0] ?? '';
}
