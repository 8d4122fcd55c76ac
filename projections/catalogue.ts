import { conversations } from './conversations/index.ts';
import { inferences } from './inferences/index.ts';
import type { ProjectionDefinition } from './projection.ts';
import { usage } from './usage/index.ts';

/** Every read model. The role keeps all of them, each in a database and under a group of its own. */
export const projections: readonly ProjectionDefinition[] = [conversations, inferences, usage];
