import type { Llama, LlamaGrammar, LlamaModel, Token } from 'node-llama-cpp';
import { LlamaGrammarEvaluationState } from 'node-llama-cpp';
import { errorMessage, StenoError } from '../../../runtime/errors.ts';
import { CALL_OPENS } from '../../../streams/tool-calls.ts';
import type { Prompt } from '../../engine.ts';
import { grammarSchema } from './grammar-schema.ts';
import { callSchema, callsGrammar } from './tool-grammar.ts';

/** What an answer must keep to: of every token only those may be drawn that go on with it. */
export type Guide = {
  /** Where it stands in its grammar; undefined as long as it is free. */
  readonly state: () => LlamaGrammarEvaluationState | undefined;
  /** Tells of a token that was drawn. */
  readonly drawn: (token: Token) => void;
};

/** Keeps answers to the JSON that they have to be, or to the calls of the tools that there are. */
export interface Grammars {
  /**
   * Returns what an answer must keep to, its prefix taken in; null for one that is free. One that may call tools is free
   * until it begins a call.
   * Throws StenoError `engine_failed` for a schema that cannot be kept to, or a prefix that does not.
   */
  open(prompt: Prompt): Promise<Guide | null>;
}

/** Grammars that are kept: most callers ask again and again for the same. */
const MOST_KEPT = 100;
/** How the library ends its grammars: a mark for whoever reads on, which here would be part of the answer. */
const LIBRARY_END = / "\\n\\n\\n\\n" \[\\n\]\*$/m;

export function createGrammars(llama: Llama, model: LlamaModel): Grammars {
  const kept = new Map<string, Promise<LlamaGrammar>>();

  function grammarOf(key: string, write: () => Promise<string>): Promise<LlamaGrammar> {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const made = write().then((grammar) => llama.createGrammar({ grammar }));
    made.catch(() => kept.delete(key));
    kept.set(key, made);
    for (const oldest of kept.keys()) {
      if (kept.size <= MOST_KEPT) break;
      kept.delete(oldest);
    }
    return made;
  }

  /** Returns the state that a text leads to; throws where it keeps not to the grammar. */
  function stateAfter(grammar: LlamaGrammar, text: string): LlamaGrammarEvaluationState {
    const state = new LlamaGrammarEvaluationState({ model, grammar });
    for (const token of model.tokenize(text, false)) accept(llama, state, token);
    return state;
  }

  function guideOf(grammar: LlamaGrammar, prefix: string): Guide {
    const state = stateAfter(grammar, prefix);
    return { state: () => state, drawn: () => undefined };
  }

  /** Free until the text has the mark of a call. A text that has it and goes on otherwise stays free. */
  function guideFromMark(grammar: LlamaGrammar, prefix: string): Guide {
    let text = prefix;
    let isOver = false;
    let state: LlamaGrammarEvaluationState | undefined;
    const look = (): void => {
      const at = text.indexOf(CALL_OPENS);
      if (at < 0) {
        text = text.slice(-CALL_OPENS.length);
        return;
      }
      isOver = true;
      try {
        state = stateAfter(grammar, text.slice(at));
      } catch {
        state = undefined;
      }
    };
    look();
    return {
      state: () => state,
      drawn(token) {
        if (isOver) return;
        text += model.detokenize([token], true);
        look();
      },
    };
  }

  return {
    async open({ format, tools, prefix }) {
      try {
        if (format !== null) {
          const { schema } = format;
          const write = (): Promise<string> => jsonGrammar(llama, grammarSchema(JSON.parse(schema)));
          return guideOf(await grammarOf(schema, write), prefix);
        }
        if (tools === null) return null;
        const grammar = await grammarOf(JSON.stringify(tools), async () =>
          callsGrammar(await jsonGrammar(llama, callSchema(tools)), tools.parallel),
        );
        return tools.choice === 'auto' ? guideFromMark(grammar, prefix) : guideOf(grammar, prefix);
      } catch (error) {
        const what = format === null ? 'tools cannot be called' : 'format cannot be kept to';
        throw new StenoError('engine_failed', `the ${what}: ${firstLine(error)}`, { cause: error });
      }
    },
  };
}

/** The gateway has checked the schema; the library says what it cannot do. */
async function jsonGrammar(llama: Llama, schema: unknown): Promise<string> {
  const { grammar } = await llama.createGrammarForJsonSchema(schema as { type: 'object' });
  return grammar.replace(LIBRARY_END, '');
}

/**
 * Moves a state over a token that was drawn before: what the library's own predictor of tokens does (LlamaSampler of
 * node-llama-cpp 3.22), and its public interface does not offer. Throws for a token that may not come next.
 */
function accept(llama: Llama, state: LlamaGrammarEvaluationState, token: Token): void {
  const { _bindings } = llama as unknown as {
    readonly _bindings: {
      readonly AddonSampler: {
        acceptGrammarEvaluationStateToken(state: unknown, token: Token): void;
        canBeNextTokenForGrammarEvaluationState(state: unknown, token: Token): boolean;
      };
    };
  };
  const { _state } = state as unknown as { readonly _state: unknown };
  if (!_bindings.AddonSampler.canBeNextTokenForGrammarEvaluationState(_state, token))
    throw new Error('the text so far does not keep to it');
  _bindings.AddonSampler.acceptGrammarEvaluationStateToken(_state, token);
}

function firstLine(error: unknown): string {
  return errorMessage(error).split('\n', 1)[0] ?? '';
}
