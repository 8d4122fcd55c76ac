import { Command, InvalidArgumentError } from 'commander';
import { timelineOf } from '../replay/conversation/timeline.ts';
import { ofKey } from '../replay/of-key.ts';
import { datasets } from '../streams/topics.ts';
import { lookAt, noConversation } from './look-at.ts';
import { instant } from './option-values.ts';
import { playEntries } from './replay/play-entries.ts';

const HELP = `
A replay reads the log and nothing else: no model is called, no group moves, and nothing is written but that somebody looked
(AccessRecorded, on the topic "audit"). Times are the broker's, in UTC.

Examples:
  $ steno replay conversation conv_9xQ…
  $ steno replay conversation conv_9xQ… --content --as-of 2026-01-31T12:00:00Z
  $ steno replay conversation conv_9xQ… --content --pace original

Exit status: 0 shown; 1 failed, or the log has no such conversation at that time; 2 wrong usage; 3 nothing runs.
`;

type Flags = {
  readonly asOf?: number;
  readonly pace?: 'original';
  readonly content: boolean;
  readonly json: boolean;
  readonly purpose?: string;
};

/** `steno replay`: what happened, told again from the log. */
export function replayCommand(): Command {
  const command = new Command('replay').description(
    'tell again from the log what happened; no model is called',
  );
  command
    .command('conversation')
    .description('every message, answer and change of a conversation, as it was at a time')
    .argument('<conversation>', 'id of the conversation (conv_…)')
    .option('--as-of <time>', 'as it was at this time; now if left out', instant)
    .option(
      '--pace <pace>',
      '"original" shows answers as fast as they were made, and waits as people did up to 5 s',
      pace,
    )
    .option('--content', 'also the words', false)
    .option('--purpose <words>', 'why you look, for the record')
    .option('--json', 'one line each, for programs', false)
    .addHelpText('after', HELP)
    .action(conversation);
  return command;
}

async function conversation(conversationId: string, flags: Flags): Promise<void> {
  await lookAt(async ({ reading, topicOf, record }) => {
    const found = await ofKey(reading, topicOf(datasets.conversations), conversationId, () => true);
    const entries = timelineOf(found, flags.asOf ?? Number.POSITIVE_INFINITY);
    const first = found.find(({ type }) => type === 'MessageSubmitted');
    if (entries.length === 0 || first?.type !== 'MessageSubmitted') throw noConversation(conversationId);
    await record({
      ...{ tenantId: first.data.tenantId, correlationId: conversationId },
      ...{ action: 'replay', resource: conversationId, purpose: flags.purpose ?? null },
    });
    await playEntries(entries, {
      ...{ withWords: flags.content, asJson: flags.json, isPaced: flags.pace === 'original' },
      write: (text) => void process.stdout.write(text),
      signal: reading.signal,
    });
  });
}

function pace(text: string): 'original' {
  if (text === 'original') return text;
  throw new InvalidArgumentError('It must be original.');
}
