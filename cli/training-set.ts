import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { createRedactor } from '../policies/personal-data/redactor.ts';
import { PERSONAL_KINDS } from '../policies/personal-data/recognise.ts';
import { checkEmpty } from '../replay/empty-folder.ts';
import { explain } from '../replay/explain/explain.ts';
import { examplesOf, type Example } from '../replay/training/examples.ts';
import { readJudged, type JudgedConversation } from '../replay/training/read-judged.ts';
import { writeExamples, type Written } from '../replay/training/write-examples.ts';
import { datasets } from '../streams/topics.ts';
import { contextSettings, lookAt } from './look-at.ts';
import { plainName } from './option-values.ts';

const HELP = `
Of answers with a thumb up, or rated 4 or 5, and of corrections: demonstrations.{train,eval}.jsonl, each line a conversation
{"messages": […]} as OpenAI's fine-tuning and TRL's SFTTrainer read it. Of corrections beside what they correct, and of good answers beside
bad ones to the same prompt: preferences.{train,eval}.jsonl, each line {"prompt", "chosen", "rejected"} as TRL's DPOTrainer reads it.

A prompt is the one that the model read, made again from the log and compared by its hash. Line n of ….sources.jsonl says where line n
comes from. All of a conversation is on one side of the split, and on the same one next time.

What looks like an e-mail address, phone or card number, IBAN, IP address or key is replaced by its kind, unless --keep-personal is
given; names and whatever else people write about themselves stay. Erased conversations are left out; sets that were written before
are not reached by an erasure: they hold what they held.

Examples:
  $ steno training-set ./set --tenant acme
  $ steno training-set ./set --eval 20 --json

Exit status: 0 written; 1 failed; 2 wrong usage; 3 nothing runs.
`;

type Flags = {
  readonly tenant?: string;
  readonly eval: number;
  readonly keepPersonal: boolean;
  readonly purpose?: string;
  readonly json: boolean;
};

type Made = { readonly examples: readonly Example[]; readonly leftOut: Readonly<Record<string, number>> };

/** `steno training-set`: what people said of answers, as examples to learn from. */
export function trainingSetCommand(): Command {
  return new Command('training-set')
    .description('answers that people judged, as examples to train and evaluate models with')
    .argument('<folder>', 'a folder that is not there yet')
    .option('--tenant <tenant>', 'of one tenant', plainName)
    .option('--eval <percent>', 'conversations that are kept for evaluation', percent, 10)
    .option('--keep-personal', 'leave in what is recognised as personal data', false)
    .option('--purpose <words>', 'why you take it, for the record')
    .option('--json', 'what was written, for programs', false)
    .addHelpText('after', HELP)
    .action(run);
}

async function run(folder: string, flags: Flags): Promise<void> {
  checkEmpty(folder);
  await lookAt(async ({ config, reading, topicOf, record }) => {
    const topic = topicOf(datasets.conversations);
    const tenant = flags.tenant ?? null;
    const judged = await readJudged(reading, topic, tenant);
    const redactor = createRedactor(flags.keepPersonal ? [] : PERSONAL_KINDS);
    const settings = contextSettings(config);
    const made = madeOf(judged, (conversation) =>
      examplesOf(
        conversation.inferenceIds.map((inferenceId) =>
          explain(
            { inferenceId, conversation: conversation.events, turns: [], stream: [], scores: [] },
            settings,
          ),
        ),
        (text) => redactor.text(text),
      ),
    );
    await record({
      ...{ tenantId: tenant ?? '*', correlationId: 'training-set', purpose: flags.purpose ?? null },
      ...{
        action: 'export',
        resource: `training set of ${topic}${flags.keepPersonal ? ', personal data kept' : ''}`,
      },
    });
    const written = writeExamples(resolve(folder), made.examples, flags.eval);
    const redacted = Object.fromEntries(redactor.findings().map(({ label, count }) => [label, count]));
    const outcome = { written, redacted, leftOut: made.leftOut };
    process.stdout.write(`${flags.json ? JSON.stringify(outcome) : sentences(folder, outcome)}\n`);
  });
}

function madeOf(
  judged: readonly JudgedConversation[],
  examples: (conversation: JudgedConversation) => ReturnType<typeof examplesOf>,
): Made {
  const all = judged.map(examples);
  const leftOut = new Map<string, number>();
  for (const one of all)
    for (const [why, count] of one.leftOut) leftOut.set(why, (leftOut.get(why) ?? 0) + count);
  return { examples: all.flatMap((one) => one.examples), leftOut: Object.fromEntries(leftOut) };
}

function sentences(
  folder: string,
  outcome: {
    readonly written: Written;
    readonly redacted: Readonly<Record<string, number>>;
    readonly leftOut: Readonly<Record<string, number>>;
  },
): string {
  const { written, redacted, leftOut } = outcome;
  return [
    `${folder} holds ${listed(written)}`,
    `replaced: ${listed(redacted)}`,
    ...Object.entries(leftOut).map(([why, count]) => `left out: ${count}, because ${why}`),
  ].join('\n');
}

function listed(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return entries.length === 0 ? 'nothing' : entries.join(', ');
}

function percent(text: string): number {
  const value = Number(text);
  if (text !== '' && value >= 0 && value <= 100) return value;
  throw new InvalidArgumentError('It must be a number from 0 to 100.');
}
