import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projections } from '../../projections/catalogue.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { topicName } from '../../streams/topics.ts';
import { testCluster } from '../support/cluster.ts';
import { foldWithCuts } from '../support/cut-fold.ts';
import { openGeneratedLog } from '../support/generated-log.ts';
import { readTopic } from '../support/read-topic.ts';

const HELP = `node test/campaigns/projections.ts [options]

Folds a generated log into every read model, killed (SIGKILL) at random places, and checks after every kill and at the
end that the rows are what the log up to their positions folds to (promise P5).

  --events <n>        events on conversations (default 1000000); those on turns come on top
  --cuts <n>          kills for each read model (default 20)
  --seed <n>          decides the log and the places; printed, and another one each time unless told
  --projection <name> this read model alone
  --help              this text
`;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    cuts: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    projection: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(HELP);
else await main(Number(values.events), Number(values.cuts), Number(values.seed));

async function main(events: number, cuts: number, seed: number): Promise<void> {
  const began = performance.now();
  const say = (line: string): void =>
    void process.stdout.write(`${((performance.now() - began) / 1_000).toFixed(0).padStart(5)} s  ${line}\n`);
  say(`seed ${seed}, ${events} events, ${cuts} cuts`);
  const folder = mkdtempSync(join(tmpdir(), 'steno-campaign-'));
  const cluster = await testCluster();
  try {
    const generated = await openGeneratedLog(cluster);
    say(`${await generated.append({ seed, events })} events appended`);
    for (const definition of projections) {
      if (values.projection !== undefined && values.projection !== definition.name) continue;
      const topic = topicName(cluster.prefix, definition.dataset);
      const log = await readTopic(generated.events, topic, lean);
      say(`${definition.name}: ${log.length} events read`);
      const passed = await foldWithCuts({
        definition,
        env: generated.env,
        folder,
        log,
        ends: await generated.events.log.offsets(topic, 'end'),
        cuts,
        threads: 2,
        seed,
        mostEvents: 5_000,
        onCut: say,
      });
      say(`${definition.name}: ${passed.length} kills, every time and at the end the fold of the log`);
    }
    await generated.events.log.close();
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Without what is long and no read model keeps: a million events shall fit in memory. */
function lean(event: LoggedEvent): LoggedEvent {
  const { data } = event;
  if (!('deltaMillis' in data)) return event;
  const context = data.context === null ? null : { ...data.context, entries: [] };
  // The pair of type and data stays together; TypeScript loses it in the spread.
  return { ...event, data: { ...data, context, deltaBytes: [], deltaMillis: [] } } as LoggedEvent;
}
