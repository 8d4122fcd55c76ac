import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { readPublicKey } from '../replay/audit/audit-keys.ts';
import type { Seal } from '../replay/audit/chain/seal.ts';
import { buildBundle } from '../replay/audit/evidence/build-bundle.ts';
import { checkEmpty } from '../replay/empty-folder.ts';
import { createChainReader } from '../replay/audit/read-chain.ts';
import { evidenceTopics, gatherEvidence } from '../replay/explain/evidence.ts';
import { plain } from '../schemas/plain-json.ts';
import { chainOf } from './audit/commands.ts';
import { lookAt } from './look-at.ts';

const HELP = `
The folder holds evidence.json (the records of the answer with the words of people and models, their proofs, the seals) and
verify-evidence.js, which checks it with nothing but Node: whoever gets it needs neither the log nor Steno.

  $ steno evidence inf_kXw1… ./evidence
  $ node evidence/verify-evidence.js evidence/evidence.json head.json

Exit status: 0 written; 1 failed, or the log has no such answer; 2 wrong usage; 3 nothing runs.
`;
const VERIFIER = 'verify-evidence.js';

type Flags = { readonly conversation?: string; readonly purpose?: string };

/** `steno evidence`: what the log has of an answer, with proofs that anybody can check. */
export function evidenceCommand(): Command {
  return new Command('evidence')
    .description('write what the log has of an answer, with proofs that anybody can check')
    .argument('<inference>', 'id of the inference (inf_…)')
    .argument('<folder>', 'a folder that is not there yet')
    .option('--conversation <id>', 'the conversation it belongs to; spares looking through all')
    .option('--purpose <words>', 'why you take it, for the record')
    .addHelpText('after', HELP)
    .action(run);
}

async function run(inferenceId: string, folder: string, flags: Flags): Promise<void> {
  checkEmpty(folder);
  await lookAt(async (looking) => {
    const { config, reading, topicOf, record } = looking;
    const topics = evidenceTopics(topicOf);
    const conversationId = flags.conversation ?? null;
    const found = await gatherEvidence({ ...reading, topics, inferenceId, conversationId });
    const about = [...found.conversation, ...found.turns, ...found.scores].filter(
      ({ data }) => 'inferenceId' in data && data.inferenceId === inferenceId,
    );
    const publicKey = readPublicKey(config, null);
    const seals: Seal[] = [];
    await chainOf(
      looking,
      createChainReader(publicKey, (seal) => seals.push(seal)),
    );
    const { events, signal } = reading;
    const bundle = await buildBundle({ events, inferenceId, about, seals, publicKey, signal });
    const tenantId = about.flatMap(({ data }) => ('tenantId' in data ? [data.tenantId] : []))[0] ?? '';
    await record({
      ...{ tenantId, correlationId: inferenceId, action: 'evidence', resource: inferenceId },
      purpose: flags.purpose ?? null,
    });
    mkdirSync(folder, { recursive: true });
    const json = JSON.stringify(bundle, (_name, value: unknown) => plain(value), 2);
    writeFileSync(join(folder, 'evidence.json'), `${json}\n`);
    copyFileSync(
      fileURLToPath(new URL(`../replay/audit/evidence/${VERIFIER}`, import.meta.url)),
      join(folder, VERIFIER),
    );
    const open = bundle.records.filter(({ proof }) => proof === null).length;
    process.stderr.write(
      `${bundle.records.length} records are in ${folder}${open === 0 ? '' : `, ${open} of them not sealed yet: ask again in a minute`}\n`,
    );
  });
}
