import { Command } from 'commander';
import { findModel, type ModelEntry } from '../../inference-workers/models/catalogue.ts';
import { configuredModels } from '../../inference-workers/models/configured-models.ts';
import { namedModel } from '../../inference-workers/models/named-model.ts';
import { parseConfig, type Config } from '../../runtime/config.ts';
import { processEnvironment } from '../../runtime/environment.ts';
import type { Progress } from '../../runtime/progress.ts';
import { onStopRequest } from '../on-stop-request.ts';
import { wholeNumber } from '../option-values.ts';
import { createTerminalProgress } from '../terminal-progress.ts';
import { agreementOf } from './agreement.ts';
import { commandEngine } from './command-engine.ts';
import { measureModel, type Measured } from './measure-model.ts';
import { readPrompts, type ComparePrompt } from './prompts.ts';
import { renderComparison } from './render-comparison.ts';

type Flags = { readonly prompts?: string; readonly maxTokens: number; readonly json: boolean };

const INTERRUPTED = 130;

const HELP = `
Both models are loaded one after the other, each in an engine process of its own as in a worker, and answer the same
prompts greedily, one at a time: medians over the prompts, the highest memory of the process, and how much of the
answers agrees. A model is an id or alias of the catalogue, a .gguf file, or owner/name/file.gguf of the hub.

Examples:
  $ steno models compare default scripted
  $ steno models compare default /models/Qwen3-8B-Q4_K_M.gguf --max-tokens 200
  $ steno models compare a.gguf b.gguf --prompts my-prompts.json --json

Exit status: 0 compared, 1 failed, 2 wrong usage, 130 stopped.
`;

/** `steno models compare`: two models side by side. */
export function compareCommand(): Command {
  return new Command('compare')
    .description('answer the same prompts with two models: speed, memory, agreement')
    .argument('<a>', 'one model')
    .argument('<b>', 'the other')
    .option('--prompts <file>', 'prompts of your own, like cli/models/prompts.json')
    .option('--max-tokens <n>', 'most tokens of an answer', wholeNumber(2), 96)
    .option('--json', 'the same for programs, with every answer', false)
    .addHelpText('after', HELP)
    .action(async (a: string, b: string, flags: Flags) => {
      process.exitCode = await compare([a, b], flags);
    });
}

async function compare(names: readonly string[], flags: Flags): Promise<number> {
  const config = parseConfig(processEnvironment());
  const prompts = await readPrompts(flags.prompts);
  const { catalogue } = await configuredModels(config);
  const models: ModelEntry[] = [];
  for (const name of names) models.push(findModel(catalogue, name) ?? (await namedModel(name)));
  const stopping = new AbortController();
  onStopRequest(() => stopping.abort(), INTERRUPTED);
  const progress = createTerminalProgress(process.stderr);
  const measured: Measured[] = [];
  try {
    for (const model of models) {
      measured.push(await measure(model, { config, prompts, progress, flags, signal: stopping.signal }));
    }
  } catch (error) {
    if (stopping.signal.aborted) return INTERRUPTED;
    throw error;
  }
  const [left, right] = measured;
  if (left === undefined || right === undefined) return 1;
  const comparison = { models: [left, right], agreement: agreementOf(left.answers, right.answers) } as const;
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ ...comparison, prompts, maxTokens: flags.maxTokens }, null, 2)}\n`
      : `${renderComparison(comparison)}\n`,
  );
  return 0;
}

async function measure(
  entry: ModelEntry,
  options: {
    readonly config: Config;
    readonly prompts: readonly ComparePrompt[];
    readonly progress: Progress;
    readonly flags: Flags;
    readonly signal: AbortSignal;
  },
): Promise<Measured> {
  const { config, prompts, progress, flags, signal } = options;
  const engine = await commandEngine(entry, { role: 'compare', config, progress });
  const step = progress.step(`asking ${entry.id}`);
  try {
    const maxTokens = Math.min(flags.maxTokens, entry.maxOutputTokens);
    const measured = await measureModel({ model: entry.id, engine, prompts, maxTokens, step, signal });
    step.finish(`${prompts.length} answers`);
    return measured;
  } catch (error) {
    step.fail(signal.aborted ? 'stopped' : 'see below');
    throw error;
  }
}
