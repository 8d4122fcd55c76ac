import type { Command } from 'commander';
import { explainInference, inferenceCommand, type InferenceFlags } from './explain/explain-inference.ts';
import { explanationJson, renderExplanation } from './explain/render-explanation.ts';
import { lookAt } from './look-at.ts';
import { plain } from '../schemas/plain-json.ts';

const HELP = `
The log is read and nothing but the log. The prompt is made again by the function that made it and compared with the recorded hash:
"same" means that what is shown is what the model read. No model is called, and nothing is written but that somebody looked
(AccessRecorded, on the topic "audit").

Words of people and models are shown with --content only. Without --conversation every conversation is looked through.

Examples:
  $ steno explain inf_kXw1…
  $ steno explain inf_kXw1… --content
  $ steno explain inf_kXw1… --json | jq .prompt.verdict

Exit status: 0 explained; 1 failed, or the log has no such answer; 2 wrong usage; 3 nothing runs; 4 explained, but the prompt
that was made again is not the recorded one.
`;

/** Exit status where the prompt differs. */
const DIFFERENT = 4;

/** `steno explain`: why an answer is what it is. */
export function explainCommand(): Command {
  return inferenceCommand(
    'explain',
    'say why an answer is what it is: who asked, the exact prompt, what ran, what it cost',
    'also the words: the prompt, the answer, comments',
  )
    .addHelpText('after', HELP)
    .action(run);
}

async function run(inferenceId: string, flags: InferenceFlags): Promise<void> {
  await lookAt(async (looking) => {
    const found = await explainInference(looking, 'explain', inferenceId, flags);
    const text = flags.json
      ? JSON.stringify(explanationJson(found, flags.content), (_name, value: unknown) => plain(value))
      : renderExplanation(found, flags.content);
    process.stdout.write(`${text}\n`);
    if (found.prompt.verdict.type === 'different') process.exitCode = DIFFERENT;
  });
}
