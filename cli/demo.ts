import { Command, InvalidArgumentError } from 'commander';
import { parseConfig } from '../runtime/config.ts';
import { processEnvironment } from '../runtime/environment.ts';
import { gatewayOf } from './ask/find-gateway.ts';
import { readKey } from './ask/read-key.ts';
import { play, type Played, type PlayOptions } from './demo/play.ts';
import { writeDemo, type DemoConversation } from './demo/script.ts';
import { startScriptedWorker } from './demo/scripted-worker.ts';
import { findInstallation } from './installation.ts';
import { onStopRequest } from './on-stop-request.ts';
import { gatewayUrl, wholeNumber } from './option-values.ts';
import { createTerminalProgress } from './terminal-progress.ts';

type Flags = {
  readonly turns: number;
  readonly seed: string;
  readonly url?: string;
  readonly keyFile?: string;
  readonly json: boolean;
};

const INTERRUPTED = 130;
/** Conversations at once. */
const AT_ONCE = 4;

const HELP = `
Conversations of four turns: of each the second answer is stopped, the third fails, the first and the last are judged.
They are answered by the model "scripted", for which a worker runs as long as the command does, and carry the metadata
{"demo": "true"}. The same seed is the same conversations: a second run finds them and makes nothing twice.

Examples:
  $ steno demo
  $ steno demo --turns 40 --seed friday
  $ steno demo --json | jq .conversations

Exit status: 0 as the script says, 1 failed, 2 wrong usage, 3 nothing runs, 130 stopped.
`;

/** `steno demo`: scripted conversations on the running installation. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('play scripted conversations, marked as a demonstration; twice is the same as once')
    .option('--turns <n>', 'turns in all', wholeNumber(1), 12)
    .option('--seed <name>', 'which conversations', seedName, 'steno')
    .option('--url <address>', 'a gateway; that of the running steno up without', gatewayUrl)
    .option('--key-file <file>', 'file that holds the API key')
    .option('--json', 'write a summary for programs', false)
    .addHelpText('after', HELP)
    .action(async (flags: Flags) => {
      process.exitCode = await demo(flags);
    });
}

async function demo(flags: Flags): Promise<number> {
  const env = processEnvironment();
  const config = parseConfig(env);
  const installation = await findInstallation(config);
  const url = gatewayOf(installation, flags.url);
  const key = await readKey(flags.keyFile, config.apiKey);
  const progress = createTerminalProgress(process.stderr);
  const stopping = new AbortController();
  onStopRequest(() => {
    progress.line('the turns under way come to their end; Ctrl-C again ends everything at once');
    stopping.abort();
  }, INTERRUPTED);

  const worker = await startScriptedWorker(installation, env, progress);
  const killWorker = (): void => worker.kill();
  process.on('exit', killWorker);
  const step = progress.step('playing');
  let played: readonly Played[];
  try {
    let turns = 0;
    played = await playAll(writeDemo(flags.turns, flags.seed), {
      ...{ url, key, signal: stopping.signal, onNote: (text) => progress.line(text) },
      onTurn() {
        turns += 1;
        step.update(turns, flags.turns);
      },
    });
    step.finish();
  } catch (error) {
    step.fail('see below');
    throw error;
  } finally {
    await worker.stop();
    process.off('exit', killWorker);
  }
  process.stdout.write(summary(played, flags));
  return stopping.signal.aborted ? INTERRUPTED : 0;
}

/** A few conversations at once; when one fails, those under way come to their end and no other begins. */
async function playAll(
  conversations: readonly DemoConversation[],
  options: PlayOptions,
): Promise<readonly Played[]> {
  const failing = new AbortController();
  const signal = AbortSignal.any([options.signal, failing.signal]);
  const waiting = [...conversations.entries()];
  const played: Played[] = [];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
      const [place, conversation] = next;
      played[place] = await play(conversation, { ...options, signal }).catch((error: unknown) => {
        failing.abort();
        throw error;
      });
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane));
  for (const result of lanes) if (result.status === 'rejected') throw result.reason;
  return played.filter(({ turns }) => turns.length > 0);
}

function summary(played: readonly Played[], { seed, json }: Flags): string {
  const turns = played.flatMap((conversation) => conversation.turns);
  const count = (ends: string): number => turns.filter((turn) => turn.ends === ends).length;
  const facts = {
    ...{ seed, turns: turns.length, answered: count('completed'), stopped: count('cancelled') },
    ...{ failed: count('failed'), judged: turns.filter(({ judged }) => judged).length },
    conversations: played.map(({ conversationId }) => conversationId),
  };
  if (json) return `${JSON.stringify(facts)}\n`;
  const ids = facts.conversations.map((id) => `  ${id ?? ''}\n`).join('');
  return `${facts.turns} turns: ${facts.answered} answered, ${facts.stopped} stopped, ${facts.failed} failed, ${facts.judged} judged, in the conversations\n${ids}`;
}

function seedName(text: string): string {
  if (/^[\w.-]{1,60}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be up to 60 letters, digits, "_", "-" or ".".');
}
