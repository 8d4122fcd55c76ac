import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { errorMessage, StenoError } from '../../runtime/errors.ts';

const promptsFile = z.strictObject({
  prompts: z.array(z.strictObject({ name: z.string().min(1), text: z.string().min(1) })).min(1),
});

/** A question that models are compared by. */
export type ComparePrompt = Readonly<z.infer<typeof promptsFile>['prompts'][number]>;

const OWN = fileURLToPath(new URL('./prompts.json', import.meta.url));

/** Reads a file like prompts.json, which is the default. Throws StenoError `bad_prompts`. */
export async function readPrompts(path: string = OWN): Promise<readonly ComparePrompt[]> {
  try {
    return promptsFile.parse(JSON.parse(await readFile(path, 'utf8'))).prompts;
  } catch (error) {
    const why =
      error instanceof z.ZodError
        ? error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`).join('; ')
        : errorMessage(error);
    throw new StenoError('bad_prompts', `no prompts can be read from ${path}: ${why}`, {
      fix: 'write {"prompts": [{"name": "…", "text": "…"}]}, like cli/models/prompts.json',
    });
  }
}
