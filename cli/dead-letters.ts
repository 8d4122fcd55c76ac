import { Command } from 'commander';
import { errorMessage, StenoError } from '../runtime/errors.ts';
import { hexLine, listJson, renderList, renderLetter, letterJson } from './dead-letters/render-letter.ts';
import { originalEvent } from './dead-letters/original-event.ts';
import { openDeadLetters, type OpenDeadLetters } from './dead-letters/open-dead-letters.ts';
import { findLetters, readLetters, readValues, type FoundLetter } from './dead-letters/read-letters.ts';
import { redriveLetters, type Redriven } from './dead-letters/redrive-letters.ts';
import { wholeNumber } from './option-values.ts';

const HELP = `
A record that a group cannot decode or process is set aside with its original bytes; its partition goes on. A redrive
gives the bytes to that group alone, on the original partition. The read models and prepare-turn fold a log in its order
and take nothing again: a read model is repaired by "steno projections rebuild", a message is sent again. Message text is never shown unless it is asked for.

Examples:
  $ steno dead-letters list --topic conversations --limit 20
  $ steno dead-letters show evt_kXw1… --content
  $ steno dead-letters redrive evt_kXw1…
  $ steno dead-letters redrive --all --group steno-workers-small

Exit status: 0 done, also where it was done before; 1 failed or refused; 2 wrong usage; 3 nothing runs; 4 of "--all":
some were left, each with its reason.
`;

/** Exit status of a redrive of many that left some. */
const SOME_LEFT = 4;

type ListFlags = {
  readonly topic?: string;
  readonly group?: string;
  readonly limit?: number;
  readonly json: boolean;
};
type ShowFlags = { readonly content: boolean; readonly json: boolean; readonly purpose?: string };
type RedriveFlags = { readonly all: boolean; readonly group?: string };

/** `steno dead-letters`: what was set aside, why, and how it is given to its group again. */
export function deadLettersCommand(): Command {
  const command = new Command('dead-letters').description(
    'list the records that were set aside, look at one, give them to their group again',
  );
  command.addHelpText('after', HELP);
  command
    .command('list')
    .description('one line each, newest last: id, when, where it lay, group, error, attempts')
    .option('--topic <topic>', 'only records of this topic: a dataset or a full name')
    .option('--group <group>', 'only those that this consumer group set aside')
    .option('--limit <n>', 'only the newest so many', wholeNumber(1))
    .option('--json', 'the same for programs', false)
    .action(list);
  command
    .command('show')
    .description('one in full: headers, size, schema id, and the event where it can be decoded today')
    .argument('<id>')
    .option('--content', 'also the text of messages and the first bytes', false)
    .option('--purpose <words>', 'why you look, for the record')
    .option('--json', 'the same for programs', false)
    .action(show);
  command
    .command('redrive')
    .description('give the original bytes to the failing group again, and to nobody else')
    .argument('[id]')
    .option('--all', 'all that were not given again yet', false)
    .option('--group <group>', 'with --all: only those of this consumer group')
    .action(async (id: string | undefined, flags: RedriveFlags, redrive: Command) => {
      if ((id === undefined) !== flags.all || (!flags.all && flags.group !== undefined))
        return redrive.error('error: name one dead letter, or --all, with --group or without');
      await withDeadLetters((open) => redriveThem(open, id ?? null, flags.group));
    });
  return command;
}

async function list({ topic, group, limit, json }: ListFlags): Promise<void> {
  await withDeadLetters(async (open) => {
    const filter = { topic: topic === undefined ? undefined : open.topicNamed(topic), group };
    const all = await readLetters(open);
    const found = findLetters(all, filter, open.prefix);
    const shown = limit === undefined ? found : found.slice(-limit);
    print(json ? listJson(shown, found.length, all.length) : renderList(shown, found.length, all.length));
  });
}

async function show(id: string, { content, json, purpose }: ShowFlags): Promise<void> {
  await withDeadLetters(async (open) => {
    const letter = named(await readLetters(open), id);
    // Whose it is, nobody can tell of bytes that cannot be decoded.
    const look = { tenantId: '*', correlationId: id, action: 'read-dead-letter', resource: id };
    await open.record({ ...look, purpose: purpose ?? null });
    for await (const { value } of readValues(open, [letter])) {
      const event = await originalEvent(await open.events(), letter, value, content, open.signal);
      const bytes = hexLine(value, content);
      print(json ? letterJson(letter, bytes, event) : renderLetter(letter, bytes, event));
    }
  });
}

async function redriveThem(
  open: OpenDeadLetters,
  id: string | null,
  group: string | undefined,
): Promise<void> {
  const all = await readLetters(open);
  const chosen = id === null ? findLetters(all, { group }, open.prefix) : [named(all, id)];
  const counts: Record<Redriven['outcome'], number> = { redriven: 0, before: 0, refused: 0 };
  await redriveLetters(open, chosen, (done) => {
    counts[done.outcome] += 1;
    if (id !== null && done.outcome === 'refused') throw done.error;
    if (id === null && done.outcome === 'before') return;
    print(sentenceOf(done));
  });
  if (id !== null) return;
  print(`${counts.redriven} given again, ${counts.before} before, ${counts.refused} left`);
  if (counts.refused > 0) process.exitCode = SOME_LEFT;
}

function sentenceOf(done: Redriven): string {
  const { id, topic, partition, group } = done.letter;
  switch (done.outcome) {
    case 'redriven':
      return `${id}  given to ${group} again, at the end of ${topic}/${partition}`;
    case 'before':
      return `${id}  was given to ${group} again at ${new Date(done.at).toISOString()}; nothing is done`;
    case 'refused':
      return `${id}  left: ${errorMessage(done.error)}`;
  }
}

function named(letters: readonly FoundLetter[], id: string): FoundLetter {
  const found = letters.find((letter) => letter.id === id);
  if (found !== undefined) return found;
  throw new StenoError('no_dead_letter', `there is no dead letter ${id}`, {
    fix: 'see steno dead-letters list; they are kept for 30 days',
  });
}

async function withDeadLetters(work: (open: OpenDeadLetters) => Promise<void>): Promise<void> {
  const open = await openDeadLetters();
  try {
    await work(open);
  } finally {
    await open.close();
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
