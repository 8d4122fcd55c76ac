import { mayUseModel } from '../../policies/identity/grants.ts';
import type { Handlers } from '../http/exchange.ts';
import type { Model } from '../models.ts';
import { refuse } from '../problems.ts';
import type { Routing } from '../routing/routing.ts';
import type { ServedModels } from '../served-models.ts';

/** The models that answer, in the shape of OpenAI's API and a little more. */
export function modelHandlers({
  routing,
  served,
}: {
  readonly routing: Routing;
  readonly served: ServedModels;
}): Pick<Handlers, 'listModels' | 'readModel'> {
  return {
    async listModels(_input, { call }) {
      const found = (await served.list()).filter(({ id }) => mayUseModel(call.grants, id));
      const isModel = (name: string): boolean => routing.list().some(({ id }) => id === name);
      const routes = routing.routes().filter(([name, model]) => !isModel(name) && found.includes(model));
      const data = [
        ...found.map((model) => modelJson(model)),
        ...routes.map(([name, model]) => modelJson(model, name)),
      ];
      return { status: 200, body: { object: 'list', data } };
    },
    async readModel({ params }, { call }) {
      const model = routing.resolve(params.id);
      if (model === null || !mayUseModel(call.grants, model.id)) {
        throw refuse('model_not_found', 'no model that you may use has this name', {
          param: 'model',
          fix: 'see GET /v1/models',
        });
      }
      const isRoute = routing.routes().some(([name]) => name === params.id);
      return { status: 200, body: modelJson(model, isRoute ? params.id : model.id) };
    },
  };
}

/** A route is a model by another name. */
function modelJson(
  { aliases, pool, contextLength, maxOutputTokens, ...model }: Model,
  id = model.id,
): object {
  return {
    ...{ id, object: 'model', created: 0, owned_by: pool },
    ...{ aliases, context_length: contextLength, max_output_tokens: maxOutputTokens },
  };
}
