import { Command } from 'commander';
import { chatMessage, type ChatMessage } from '../replay/chat-message.ts';
import { parseConfig } from '../runtime/config.ts';
import { processEnvironment } from '../runtime/environment.ts';
import { StenoError } from '../runtime/errors.ts';
import type { PromptMessage } from '../schemas/generated/types.ts';
import { gatewayOf } from './ask/find-gateway.ts';
import { readKey } from './ask/read-key.ts';
import { askWithHistory, checkOwn } from './fork/ask-with-history.ts';
import { findInstallation } from './installation.ts';
import { lookAt } from './look-at.ts';
import { gatewayUrl, instant } from './option-values.ts';
import { promptAt } from './prompt-at.ts';

const HELP = `
The window of that moment, as "steno context" shows it, becomes the history of a new conversation, which is asked this next. The
conversation itself stays as it is, and the new one says in its metadata where it comes from. The key must be of the tenant that
the conversation belongs to.

Examples:
  $ steno fork conv_9xQ… "And if it rains?" --as-of 2026-01-31T12:00:00Z
  $ steno fork conv_9xQ… "The same in French." --model qwen3-8b

Exit status: 0 answered; 1 failed, no such conversation at that time, or an answer was under way then; 2 wrong usage; 3 nothing runs.
`;

type Flags = {
  readonly asOf?: number;
  readonly model?: string;
  readonly url?: string;
  readonly keyFile?: string;
  readonly purpose?: string;
};

/** `steno fork`: another way a conversation could have gone on from a moment. */
export function forkCommand(): Command {
  return new Command('fork')
    .description('begin a conversation with what another one held, now or at a time, and ask it something')
    .argument('<conversation>', 'id of the conversation (conv_…)')
    .argument('<text>', 'what to ask next')
    .option('--as-of <time>', 'from what it was at this time; now if left out', instant)
    .option('--model <name>', 'id or alias of a model; that of the conversation without')
    .option('--url <address>', 'a gateway; that of the running steno up without', gatewayUrl)
    .option('--key-file <file>', 'file that holds the API key')
    .option('--purpose <words>', 'why you look, for the record')
    .addHelpText('after', HELP)
    .action(run);
}

async function run(conversationId: string, text: string, flags: Flags): Promise<void> {
  const config = parseConfig(processEnvironment());
  const url = gatewayOf(await findInstallation(config), flags.url);
  const key = await readKey(flags.keyFile, config.apiKey);
  await lookAt(async (looking) => {
    const { signal } = looking.reading;
    await checkOwn({ url, key, signal }, conversationId);
    const asOf = flags.asOf ?? null;
    const { prompt, tenantId } = await promptAt(looking, conversationId, asOf, text);
    const messages = prompt.messages.map(historyMessage);
    await looking.record({
      ...{ tenantId, correlationId: conversationId, purpose: flags.purpose ?? null },
      ...{ action: 'fork', resource: conversationId },
    });
    const forked = await askWithHistory({
      ...{ url, key, messages, signal, model: flags.model ?? prompt.route.model },
      metadata: {
        forked_from: conversationId,
        ...(asOf === null ? {} : { forked_as_of: new Date(asOf).toISOString() }),
      },
      onText: (piece) => process.stdout.write(piece),
    });
    process.stdout.write('\n');
    process.stderr.write(`conversation: ${forked}\n`);
  });
}

function historyMessage(message: PromptMessage): ChatMessage {
  if (message.parts.some(({ type }) => type !== 'text'))
    throw new StenoError('unsupported', 'calls of tools cannot be taken into a fork yet', {
      fix: 'name a time before the first of them',
    });
  return chatMessage(message);
}
