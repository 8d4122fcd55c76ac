import type { Command } from 'commander';
import { findModel, type ModelEntry } from '../inference-workers/models/catalogue.ts';
import { configuredModels } from '../inference-workers/models/configured-models.ts';
import { identify } from '../inference-workers/identify.ts';
import { promptOf } from '../inference-workers/prompt-of.ts';
import { compareAnswer, type Comparison } from '../replay/reproduce/compare-answer.ts';
import {
  reproducibilityOf,
  type KnownModel,
  type NotReproducible,
  type Reproducible,
} from '../replay/reproduce/reproducible.ts';
import type { Config } from '../runtime/config.ts';
import { explainInference, inferenceCommand, type InferenceFlags } from './explain/explain-inference.ts';
import { lookAt } from './look-at.ts';
import { commandEngine } from './models/command-engine.ts';
import { createTerminalProgress } from './terminal-progress.ts';

const HELP = `
The prompt is made again and compared by its hash, then the same model is asked in an engine of this command's own, with the
same parameters. Nothing but the model named is called, and nothing is written but that somebody looked (AccessRecorded).

Greedy answers (temperature 0) and those with a seed can be reproduced while the model's file is the same. An answer that was
stopped or cut is compared as far as it came. Arithmetic in batches may round otherwise than alone, so that a near tie falls
the other way: that shows as diverged.

Examples:
  $ steno reproduce inf_kXw1…
  $ steno reproduce inf_kXw1… --json | jq .outcome

Exit status: 0 reproduced; 1 failed, or the log has no such answer; 2 wrong usage; 3 nothing runs; 4 diverged; 5 not
reproducible.
`;

type InstalledModel = KnownModel & { readonly entry: ModelEntry };
type Outcome = Comparison | NotReproducible;

const EXIT: Readonly<Record<Outcome['type'], number>> = {
  reproduced: 0,
  diverged: 4,
  'not reproducible': 5,
};

/** `steno reproduce`: an answer given again, beside the one that was recorded. */
export function reproduceCommand(): Command {
  return inferenceCommand(
    'reproduce',
    'ask the same model the same again: reproduced, diverged at a token, or why it cannot be',
    'also the words where they part',
  )
    .addHelpText('after', HELP)
    .action(run);
}

async function run(inferenceId: string, flags: InferenceFlags): Promise<void> {
  await lookAt(async (looking) => {
    const { config, reading } = looking;
    const { catalogue } = await configuredModels(config);
    const found = await explainInference(looking, 'reproduce', inferenceId, flags);
    const { end } = found;
    const entry = end === null ? null : findModel(catalogue, end.model);
    const known = reproducibilityOf(found, entry === null ? null : { ...identify(entry, ''), entry });
    const outcome = known.type === 'reproducible' ? await askAgain(known, config, reading.signal) : known;
    process.stdout.write(
      `${flags.json ? json(inferenceId, end?.model, outcome, flags) : text(outcome, flags)}\n`,
    );
    process.exitCode = EXIT[outcome.type];
  });
}

async function askAgain(
  { request, recorded, model: { entry } }: Reproducible<InstalledModel>,
  config: Config,
  signal: AbortSignal,
): Promise<Comparison> {
  const progress = createTerminalProgress(process.stderr);
  const engine = await commandEngine(entry, { role: 'reproduce', config, progress });
  const step = progress.step(`asking ${entry.id} again`);
  try {
    await engine.start();
    const compared = compareAnswer(recorded);
    let finishReason: string | null = null;
    for await (const part of engine.generate(promptOf(request, '', 0), { signal })) {
      if (part.type === 'end') ({ finishReason } = part);
      else if (!compared.take(part.text, part.tokens)) break;
    }
    signal.throwIfAborted();
    step.finish();
    return compared.result(finishReason);
  } catch (error) {
    step.fail(signal.aborted ? 'stopped' : 'see below');
    throw error;
  } finally {
    await engine.stop();
  }
}

function json(
  inferenceId: string,
  model: string | undefined,
  outcome: Outcome,
  { content }: InferenceFlags,
): string {
  const { type, ...rest } = outcome;
  const shown =
    content || outcome.type !== 'diverged' ? rest : { token: outcome.token, character: outcome.character };
  return JSON.stringify({ inferenceId, model: model ?? null, outcome: type, ...shown });
}

function text(outcome: Outcome, { content }: InferenceFlags): string {
  switch (outcome.type) {
    case 'reproduced':
      return `reproduced: ${outcome.tokens} tokens, the same byte for byte`;
    case 'not reproducible':
      return `not reproducible: ${outcome.why}`;
    case 'diverged': {
      const place = `diverged at token ${outcome.token}, character ${outcome.character}`;
      return content
        ? `${place}\n  recorded: ${quoted(outcome.recorded)}\n  now:      ${quoted(outcome.now)}`
        : place;
    }
  }
}

function quoted(words: string): string {
  return words === '' ? '(the end)' : JSON.stringify(words);
}
