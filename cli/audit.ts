import { Command, Option } from 'commander';
import { instant } from './option-values.ts';
import { exportLog, showHead, verify } from './audit/commands.ts';
import { report, FORMATS } from './audit/report.ts';

const HELP = `
A sealer writes a seal for what was appended to the topics that are kept for ever, every minute (STENO_AUDIT_SEAL_SECONDS): the
root of a Merkle tree for each partition, the hash of the seal before, a signature (Ed25519). Keep heads where nobody with access
to the log can write: set STENO_AUDIT_HEAD_FILE, or take one by "steno audit head". Then "verify --head" finds whatever was
changed, removed, inserted, moved or cut off since.

Examples:
  $ steno audit head > /mnt/elsewhere/head.json
  $ steno audit verify --head /mnt/elsewhere/head.json
  $ steno audit export /mnt/audit/2026-01 && steno audit verify --export /mnt/audit/2026-01
  $ steno audit report --from 2026-01-01 --format html > report.html

Exit status of verify: 0 all is as it was sealed; 1 failed; 2 wrong usage; 3 nothing runs; 4 something is not as it was sealed.
`;

/** `steno audit`: whether the record is what it was, and who looked at it. */
export function auditCommand(): Command {
  const command = new Command('audit')
    .description('verify that nothing of the record was changed; who looked at it')
    .addHelpText('after', HELP);
  command
    .command('verify')
    .description('compare all that is kept for ever with the chain of seals')
    .option('--head <file>', 'a head that was kept elsewhere')
    .option('--export <folder>', 'a copy that "steno audit export" wrote, in place of the log')
    .option(
      '--public-key <file>',
      'the key of the seals (PEM); that of the head, or of this installation, if left out',
    )
    .option('--purpose <words>', 'why you look, for the record')
    .option('--json', 'the same for programs', false)
    .action(verify);
  command
    .command('head')
    .description('write the newest head of the chain as JSON, to be kept elsewhere')
    .action(showHead);
  command
    .command('export')
    .description('copy what is sealed, and the seals, to be verified without a broker')
    .argument('<folder>', 'a folder that is not there yet')
    .option('--purpose <words>', 'why you take it, for the record')
    .action(exportLog);
  command
    .command('report')
    .description('who read, subscribed, replayed, exported, erased or administered what')
    .option('--tenant <tenant>', 'of one tenant')
    .option('--principal <name>', 'by one principal')
    .option('--action <word>', 'of one kind, such as subscribe')
    .option('--from <time>', 'from this time on', instant)
    .option('--to <time>', 'before this time', instant)
    .addOption(new Option('--format <format>', 'how it is written').choices(FORMATS).default('table'))
    .action(report);
  return command;
}
