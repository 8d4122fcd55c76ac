import { join } from 'node:path';
import type { Config } from '../../runtime/config.ts';

/** Where model files are kept, for the command line and for workers. */
export function modelsDir(config: Pick<Config, 'cacheDir'>): string {
  return join(config.cacheDir, 'models');
}
