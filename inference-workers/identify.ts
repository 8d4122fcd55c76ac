import { readVersion } from '../runtime/version.ts';
import type { ModelEntry } from './models/catalogue.ts';
import type { WorkerIdentity } from './terminal.ts';

/** Returns what a worker records with everything it produces. */
export function identify(model: ModelEntry, workerId: string): WorkerIdentity {
  return {
    workerId,
    model: model.id,
    pool: model.pool,
    producer: { service: 'inference-worker', version: readVersion() },
    engine: model.engine,
    // A backend's files are its own: all that is known is what it calls the model.
    modelHash: model.sha256 ?? model.backend?.model ?? '',
    // The template is part of the model's file: its hash covers both until a template of our own stands in for it.
    templateHash: model.sha256 ?? '',
    price: model.price,
  };
}
