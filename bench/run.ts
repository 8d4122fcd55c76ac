import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { onStopRequest } from '../cli/on-stop-request.ts';
import { errorMessage } from '../runtime/errors.ts';
import { barePath } from './bare-path.ts';
import { engineAlone } from './engine.ts';
import { firstToken } from './first-token.ts';
import { PEER_NAMES, type PeerName } from './peers/peer-program.ts';
import { guards } from './guards.ts';
import { history } from './history.ts';
import { idleSockets } from './idle-sockets.ts';
import { overload } from './overload.ts';
import { pacedStreams } from './paced-streams.ts';
import { rebuild } from './rebuild.ts';
import { recovery } from './recovery.ts';
import { start } from './start.ts';
import type { Bench } from './support/bench.ts';
import { describeHost } from './support/host.ts';
import { pageText, reportText } from './support/report.ts';
import { turns } from './turns.ts';
import { warmTurn } from './warm-turn.ts';

const benches: readonly Bench[] = [
  firstToken,
  turns,
  warmTurn,
  guards,
  start,
  rebuild,
  history,
  recovery,
  pacedStreams,
  idleSockets,
  overload,
  engineAlone,
  barePath,
];
const RESULTS = new URL('./results/', import.meta.url);

const help = `npm run bench -- <name> [options]

${benches.map(({ name, purpose }) => `  ${name.padEnd(13)} ${purpose}`).join('\n')}

  --seconds <n>     length of one measured segment
  --rounds <n>      rounds; figures are medians of them
  --events <n>      length of the generated log in rebuild, and of the longer one in history
  --projections     run the projections beside the roles of a turn
  --keys            ask with a key that has limits of every kind in first-token and turns; LiteLLM's too
  --peers <names>   proxies to measure beside us in first-token and turns: ${PEER_NAMES.join(',')} (default) or none
  --seed <n>        decides the order of the rounds; printed, and another one each time unless told
  --profile <dir>   write CPU profiles of the roles into this directory
  --json            print the outcome as JSON
  --record          write the page of this bench in bench/results anew
  --help            this text

Ends with 1 when a run is void (an answer with a lost, doubled or reordered delta), else with 0.
`;

/** Runs one bench and resolves to the exit code. */
async function main(parameters: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: parameters,
    allowPositionals: true,
    options: {
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      events: { type: 'string' },
      projections: { type: 'boolean', default: false },
      keys: { type: 'boolean', default: false },
      profile: { type: 'string' },
      peers: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [name] = positionals;
  const bench = benches.find((item) => item.name === name);
  if (values.help || name === undefined) {
    process.stdout.write(help);
    return values.help ? 0 : 2;
  }
  if (bench === undefined) {
    process.stderr.write(`there is no bench "${name}"\n\n${help}`);
    return 2;
  }
  const abort = new AbortController();
  onStopRequest(() => abort.abort(new Error('stopped')));
  const host = describeHost();
  try {
    const outcome = await bench.run({
      seconds: positive('seconds', values.seconds),
      rounds: positive('rounds', values.rounds),
      events: positive('events', values.events),
      projections: values.projections,
      keys: values.keys,
      profileDir: values.profile === undefined ? null : resolve(values.profile),
      peers: peersOf(values.peers),
      seed: positive('seed', values.seed) ?? randomInt(1, 2 ** 31),
      signal: abort.signal,
      say: (line) => void process.stderr.write(`${line}\n`),
    });
    process.stdout.write(
      values.json
        ? `${JSON.stringify({ bench: name, host, ...outcome }, null, 2)}\n`
        : reportText(name, host, outcome),
    );
    if (values.record) {
      const date = new Date().toISOString().slice(0, 10);
      const [title, file] = values.keys ? [`${name} --keys`, `${name}-keys`] : [name, name];
      writeFileSync(new URL(`${file}.md`, RESULTS), pageText(title, date, host, outcome));
    }
    return 0;
  } catch (error) {
    process.stderr.write(`${name}: ${errorMessage(error)}\n`);
    return abort.signal.aborted ? 130 : 1;
  }
}

function peersOf(text: string | undefined): readonly PeerName[] {
  if (text === undefined) return PEER_NAMES;
  if (text === 'none') return [];
  return text.split(',').map((wanted) => {
    const known = PEER_NAMES.find((peer) => peer === wanted);
    if (known !== undefined) return known;
    throw new TypeError(`--peers has "${wanted}", expected ${PEER_NAMES.join(', ')} or none`);
  });
}

function positive(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new TypeError(`--${name} is "${text}", expected a number above 0`);
}

process.exitCode = await main(process.argv.slice(2));
