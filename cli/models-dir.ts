import { join } from 'node:path';
import type { Config } from '../runtime/config.ts';

/** Where model files are kept; workers look there too. */
export function modelsDir(config: Pick<Config, 'cacheDir'>): string {
  return join(config.cacheDir, 'models');
}
