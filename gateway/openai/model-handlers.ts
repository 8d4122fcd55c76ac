import { mayUseModel } from '../../policies/identity/grants.ts';
import type { Handlers } from '../http/exchange.ts';
import type { Model, ModelDirectory } from '../models.ts';
import { refuse } from '../problems.ts';
import type { ServedModels } from '../served-models.ts';

/** The models that answer, in the shape of OpenAI's API and a little more. */
export function modelHandlers({
  models,
  served,
}: {
  readonly models: ModelDirectory;
  readonly served: ServedModels;
}): Pick<Handlers, 'listModels' | 'readModel'> {
  return {
    async listModels(_input, { call }) {
      const found = (await served.list()).filter(({ id }) => mayUseModel(call.grants, id));
      return { status: 200, body: { object: 'list', data: found.map(modelJson) } };
    },
    async readModel({ params }, { call }) {
      const model = models.resolve(params.id);
      if (model === null || !mayUseModel(call.grants, model.id)) {
        throw refuse('model_not_found', 'no model that you may use has this name', {
          param: 'model',
          fix: 'see GET /v1/models',
        });
      }
      return { status: 200, body: modelJson(model) };
    },
  };
}

function modelJson({ id, aliases, pool, contextLength, maxOutputTokens }: Model): object {
  return {
    ...{ id, object: 'model', created: 0, owned_by: pool },
    ...{ aliases, context_length: contextLength, max_output_tokens: maxOutputTokens },
  };
}
