import { fileURLToPath } from 'node:url';

/** Where tests and benches find the programs and models that were downloaded: STENO_CACHE_DIR, else the repository's own. */
export const CACHE_DIR =
  process.env['STENO_CACHE_DIR'] ?? fileURLToPath(new URL('../../.steno/cache', import.meta.url));
