import { exportedSource, openExport } from '../../replay/audit/exported-log.ts';
import { headJson, readHead } from '../../replay/audit/head-file.ts';
import { logSource } from '../../replay/audit/audit-source.ts';
import { readPublicKey } from '../../replay/audit/audit-keys.ts';
import { createChainReader, type ChainReader } from '../../replay/audit/read-chain.ts';
import { sealedTopics } from '../../replay/audit/sealed-topics.ts';
import { stretchesOf } from '../../replay/audit/chain/range.ts';
import type { Seal } from '../../replay/audit/chain/seal.ts';
import { verifyLog, type Verdict } from '../../replay/audit/verify.ts';
import { parseConfig } from '../../runtime/config.ts';
import { processEnvironment } from '../../runtime/environment.ts';
import { StenoError } from '../../runtime/errors.ts';
import { datasets } from '../../streams/topics.ts';
import { lookAt, type Looking } from '../look-at.ts';
import { renderVerdict } from './render-verdict.ts';

/** Exit status where something is not as it was sealed. */
const NOT_INTACT = 4;

type VerifyFlags = {
  readonly head?: string;
  readonly export?: string;
  readonly publicKey?: string;
  readonly purpose?: string;
  readonly json: boolean;
};

export async function verify(flags: VerifyFlags): Promise<void> {
  const config = parseConfig(processEnvironment());
  const head = flags.head === undefined ? null : readHead(flags.head);
  const publicKey =
    head !== null && flags.publicKey === undefined
      ? head.publicKey
      : readPublicKey(config, flags.publicKey ?? null);
  const options = { publicKey, head };
  const show = (verdict: Verdict): void => {
    const text = flags.json ? JSON.stringify(verdict) : renderVerdict(verdict, head);
    process.stdout.write(`${text}\n`);
    if (!verdict.intact) process.exitCode = NOT_INTACT;
  };
  if (flags.export !== undefined)
    return show(await verifyLog(exportedSource(flags.export), { ...options, topics: [] }));
  await lookAt(async ({ reading, topicOf, record }) => {
    const { events, signal, onProgress } = reading;
    const source = logSource(events, topicOf(datasets.seals), signal, onProgress);
    const verdict = await verifyLog(source, { ...options, topics: sealedTopics(topicOf) });
    await record({ ...whole(flags.purpose), action: 'verify' });
    show(verdict);
  });
}

export async function showHead(): Promise<void> {
  await lookAt(async (looking) => {
    const key = readPublicKey(looking.config, null);
    const reader = await chainOf(looking, createChainReader(key));
    await looking.record({ ...whole(undefined), action: 'read-head' });
    process.stdout.write(headJson(reader.chain.head(), Date.now(), key));
  });
}

export async function exportLog(folder: string, flags: { readonly purpose?: string }): Promise<void> {
  await lookAt(async (looking) => {
    const { reading, topicOf, record } = looking;
    const seals: Seal[] = [];
    const reader = await chainOf(
      looking,
      createChainReader(readPublicKey(looking.config, null), (seal) => seals.push(seal)),
    );
    const writer = openExport(folder);
    await record({ ...whole(flags.purpose), action: 'export' });
    for (const seal of seals) writer.seal(seal);
    const stretches = stretchesOf(seals.flatMap(({ ranges }) => ranges));
    const { events, signal, onProgress } = reading;
    const source = logSource(events, topicOf(datasets.seals), signal, onProgress);
    await source.readRecords(stretches, (records) => writer.records(records));
    process.stderr.write(`${folder} holds all up to seal ${reader.chain.head().number}\n`);
  });
}

/** Reads the chain to its end. Throws StenoError `chain_broken`. */
export async function chainOf(
  { reading, topicOf }: Pick<Looking, 'reading' | 'topicOf'>,
  reader: ChainReader,
): Promise<ChainReader> {
  await reader.catchUp(reading.events, topicOf(datasets.seals), reading.signal);
  const broken = reader.broken();
  if (broken === null) return reader;
  throw new StenoError('chain_broken', `the audit chain does not hold: ${broken}`, {
    fix: 'see steno audit verify',
  });
}

/** A look at the record of all tenants. */
function whole(purpose: string | undefined) {
  return { tenantId: '*', correlationId: 'audit', resource: 'all topics', purpose: purpose ?? null };
}
