/** What is named as the engine of an answer that another inference made before. */
export const CACHE_ENGINE = 'cache';
