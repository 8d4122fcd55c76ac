import type { Parameters, PromptMessage } from '../../schemas/generated/types.ts';
import { CACHE_ENGINE } from '../../streams/cache-engine.ts';
import type { Explanation } from '../explain/explain.ts';

/** What a model is, as its worker records it. */
export type KnownModel = { readonly engine: string; readonly modelHash: string };

/** An answer that can be asked for again, and what was recorded of it. */
export type Reproducible<Model extends KnownModel = KnownModel> = {
  readonly type: 'reproducible';
  readonly model: Model;
  readonly request: {
    readonly inferenceId: string;
    readonly conversationId: string;
    readonly messages: readonly PromptMessage[];
    readonly parameters: Parameters;
    readonly route: { readonly model: string };
  };
  readonly recorded: {
    readonly text: string;
    /** True if the model ended the answer itself; else the text is where it was cut. */
    readonly isWhole: boolean;
    readonly finishReason: string | null;
  };
};

export type Reproducibility<Model extends KnownModel = KnownModel> = Reproducible<Model> | NotReproducible;
export type NotReproducible = { readonly type: 'not reproducible'; readonly why: string };

/** Draws the same whatever the temperature: its text follows from the question. */
const WITHOUT_CHANCE = 'scripted';

/**
 * Says whether an answer can be asked for again, and of what: only where all that decides it is known. `model` is what the
 * installation has under the name of the one that answered; null for nothing. Pure.
 */
export function reproducibilityOf<Model extends KnownModel>(
  found: Explanation,
  model: Model | null,
): Reproducibility<Model> {
  const { end, prompt, asked } = found;
  if (end === null) return impossible('it has not ended');
  if (end.engine === CACHE_ENGINE)
    return impossible('it was given from the response cache: reproduce the answer that was kept');
  if (end.type === 'InferenceFailed' && end.text.text === '') return impossible(`it failed: ${end.how}`);
  if (end.text.text === null) return impossible('its text is sealed or erased');
  if (prompt.verdict.type !== 'same' || prompt.messages === null)
    return impossible('its prompt cannot be made again byte for byte: see steno explain');
  if (model === null) return impossible(`the catalogue has no model ${end.model}`);
  if (model.engine !== end.engine)
    return impossible(`${end.model} runs on ${model.engine} now, not ${end.engine}`);
  if (model.modelHash !== end.modelHash)
    return impossible(
      `${end.model} is another file now: ${model.modelHash || 'unknown'}, and was ${end.modelHash || 'unknown'}`,
    );
  const { temperature, seed } = asked.parameters;
  if (temperature > 0 && end.engine !== WITHOUT_CHANCE) {
    if (seed === null) return impossible(`its words were drawn at temperature ${temperature} without a seed`);
    if (end.attempt > 1)
      return impossible(`attempt ${end.attempt} went on with it, and drew on from a new beginning`);
  }
  const isWhole = end.type === 'InferenceCompleted';
  return {
    ...{ type: 'reproducible', model },
    request: {
      ...{ inferenceId: found.inferenceId, conversationId: found.conversationId },
      ...{ messages: prompt.messages, parameters: asked.parameters, route: { model: end.model } },
    },
    recorded: { text: end.text.text, isWhole, finishReason: isWhole ? end.how : null },
  };
}

function impossible(why: string): NotReproducible {
  return { type: 'not reproducible', why };
}
