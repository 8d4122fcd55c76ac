/**
 * What a chain of models may end with: where none of them can answer, an earlier answer to the same prompt, else a
 * sentence that says so. It is who answered then, on the record and to clients.
 */
export const DEGRADED_MODEL = 'steno-degraded';

/** What is named as the engine of the sentence. */
export const DEGRADED_ENGINE = 'none';
