import { randomUUID } from 'node:crypto';
import { text as readAll } from 'node:stream/consumers';
import { Command } from 'commander';
import { parseConfig } from '../runtime/config.ts';
import { processEnvironment } from '../runtime/environment.ts';
import { askGateway } from './ask/ask-gateway.ts';
import { gatewayOf } from './ask/find-gateway.ts';
import { openAnswerOutput } from './ask/answer-output.ts';
import { readKey } from './ask/read-key.ts';
import { endWithReader } from './end-with-reader.ts';
import { findInstallation } from './installation.ts';
import { onStopRequest } from './on-stop-request.ts';
import { gatewayUrl, wholeNumber } from './option-values.ts';

export type AskFlags = {
  readonly url?: string;
  readonly keyFile?: string;
  readonly conversation?: string;
  readonly model?: string;
  readonly maxTokens?: number;
  readonly json: boolean;
};

const INTERRUPTED = 130;

const HELP = `
The answer goes to stdout as it is made, everything else to stderr: at the end the id of the conversation.
The first Ctrl-C stops the answer and waits until that is recorded; the second ends the command at once.
A lost connection is opened again and the answer resumed. The key, if the gateway wants one, is STENO_API_KEY.

Examples:
  $ steno ask "Why is the sky blue?"
  $ steno ask --conversation conv_5f0c "And at night?"
  $ git diff | steno ask - --max-tokens 300 > review.txt
  $ steno ask --json "Hello" | jq -r 'select(.type == "delta").text'

Exit status: 0 answered, 1 failed, 2 wrong usage, 3 no gateway runs, 130 stopped.
`;

/** `steno ask`: one message, answered on stdout. */
export function askCommand(): Command {
  return new Command('ask')
    .description('ask the running installation; the answer goes to stdout')
    .argument('<text>', 'what to ask; - reads it from stdin')
    .option('--conversation <id>', 'go on with this conversation; a new one begins without')
    .option('--model <name>', 'id or alias of a model; the default model without')
    .option('--max-tokens <n>', 'most tokens of the answer', wholeNumber(1))
    .option('--url <address>', 'a gateway; that of the running steno up without', gatewayUrl)
    .option('--key-file <file>', 'file that holds the API key')
    .option('--json', 'write the frames of the answer, one a line', false)
    .addHelpText('after', HELP)
    .action(async (text: string, flags: AskFlags, command: Command) => {
      const question = text === '-' ? (await readAll(process.stdin)).trimEnd() : text;
      if (question.trim() === '') command.error('error: there is nothing to ask: the text is empty');
      process.exitCode = await ask(question, flags);
    });
}

/** Asks and returns the exit code. */
async function ask(text: string, flags: AskFlags): Promise<number> {
  const config = parseConfig(processEnvironment());
  const url = gatewayOf(await findInstallation(config), flags.url);
  const key = await readKey(flags.keyFile, config.apiKey);
  endWithReader();
  const stopping = new AbortController();
  onStopRequest(() => stopping.abort(), INTERRUPTED);
  const output = openAnswerOutput({ json: flags.json, stdout: process.stdout, stderr: process.stderr });
  const asked = await askGateway({
    ...{ url, key, id: randomUUID(), stop: stopping.signal },
    message: {
      text,
      ...(flags.conversation === undefined ? {} : { conversation_id: flags.conversation }),
      ...(flags.model === undefined ? {} : { model: flags.model }),
      ...(flags.maxTokens === undefined ? {} : { max_tokens: flags.maxTokens }),
    },
    onFrame: (frame) => output.take(frame),
    onNote: (note) => output.note(note),
  });
  output.end(asked.accepted?.conversationId ?? null);
  const { end } = asked;
  if (end?.type === 'done' && end.outcome === 'completed') return 0;
  if (end?.type !== 'error' && stopping.signal.aborted) return INTERRUPTED;
  return 1;
}
