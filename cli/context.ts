import { Command } from 'commander';
import { entryLines, messageLines, section } from './explain/render-prompt.ts';
import { instant } from './option-values.ts';
import { lookAt } from './look-at.ts';
import { promptAt } from './prompt-at.ts';

const HELP = `
Tells what a model would be told if another message came: what of the conversation is in the window, and why what is not
is not. The answer follows from the log alone, so it can be asked of any moment. Nothing is written but that somebody looked.

Examples:
  $ steno context conv_9xQ…
  $ steno context conv_9xQ… --as-of 2026-01-31T12:00:00Z --content

Exit status: 0 shown; 1 failed, no such conversation at that time, or an answer was under way then; 2 wrong usage; 3 nothing runs.
`;

type Flags = {
  readonly asOf?: number;
  readonly content: boolean;
  readonly json: boolean;
  readonly purpose?: string;
};

/** `steno context`: what the next prompt of a conversation holds, now or at a time. */
export function contextCommand(): Command {
  return new Command('context')
    .description('what the next prompt of a conversation holds, now or as of a time')
    .argument('<conversation>', 'id of the conversation (conv_…)')
    .option('--as-of <time>', 'as it was at this time; now if left out', instant)
    .option('--content', 'also the words', false)
    .option('--purpose <words>', 'why you look, for the record')
    .option('--json', 'the same for programs', false)
    .addHelpText('after', HELP)
    .action(run);
}

async function run(conversationId: string, flags: Flags): Promise<void> {
  await lookAt(async (looking) => {
    const { prompt, tenantId } = await promptAt(looking, conversationId, flags.asOf ?? null, '');
    const { purpose = null } = flags;
    await looking.record({
      tenantId,
      correlationId: conversationId,
      action: 'context',
      resource: conversationId,
      purpose,
    });
    const { context, messages, route } = prompt;
    const said = messages.slice(0, -1);
    const text = flags.json
      ? JSON.stringify({
          ...{ conversationId, model: route.model, budgetTokens: context.budgetTokens },
          ...{ promptTokens: context.promptTokens, entries: context.entries.slice(0, -1) },
          ...(flags.content ? { messages: said } : {}),
        })
      : section(`The next prompt of ${conversationId}, to ${route.model}`, [
          ['room', `${context.promptTokens} of ${context.budgetTokens} tokens are taken, by estimate`],
          ...entryLines(context.entries.slice(0, -1)),
          ...(flags.content ? messageLines(said) : []),
        ]);
    process.stdout.write(`${text}\n`);
  });
}
