import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { WebSocket } from 'ws';
import { findModel, loadCatalogue } from '../inference-workers/models/catalogue.ts';
import { ask } from './support/ask.ts';
import { atMost, type Bench, type BenchOptions, type Figure, type Outcome } from './support/bench.ts';
import { startCluster } from './support/cluster.ts';
import { drive } from './support/load.ts';
import { startBenchPlatform, type BenchPlatform } from './support/platform.ts';
import { writeQuestions } from './support/questions.ts';
import { openSocketPath } from './support/socket-path.ts';
import { percentile, summarise } from './support/statistics.ts';

const TIMES = 100;
/** Turns of a short history; a long one has a hundred times as many. */
const SHORT = 3;
/** Turns on the shorter log; the longer one has a hundred times as many. */
const LOG = 300;
/** Tokens that a model of bounded context reads: those of the local model. */
const WINDOW = 2_048;
const IN_FLIGHT = 64;
const ROUNDS = 5;
const TURNS_PER_ROUND = 40;
const FILL_SECONDS = 2;

export const history: Bench = {
  name: 'history',
  purpose: `cost of a turn when its history, and when the log, is ${TIMES} times longer (T6)`,
  run,
};

/** One way to ask a question and wait for its end; resolves to milliseconds. */
type Asking = () => Promise<number>;

async function run(options: BenchOptions): Promise<Outcome> {
  const { say } = options;
  await using cleanup = new AsyncDisposableStack();
  say('starting broker and registry');
  const cluster = await startCluster();
  cleanup.defer(() => cluster.stop());
  const platforms: { short: BenchPlatform; long: BenchPlatform } = {
    // Each has topics, roles and read models of its own.
    short: await startBenchPlatform(
      { ...cluster, prefix: `${cluster.prefix}-a` },
      { ...options, projections: true },
    ),
    long: await startBenchPlatform(
      { ...cluster, prefix: `${cluster.prefix}-b` },
      { ...options, projections: true },
    ),
  };
  cleanup.defer(() => platforms.short.platform.stop());
  cleanup.defer(() => platforms.long.platform.stop());
  const figures: Figure[] = [];
  const open = async (platform: BenchPlatform): Promise<WebSocket> => {
    const socket = new WebSocket(`${platform.platform.url().replace(/^http/, 'ws')}/v1/chat`);
    cleanup.defer(() => socket.terminate());
    await once(socket, 'open');
    return socket;
  };
  const shortSocket = await open(platforms.short);

  const afterMany = `a turn after ${SHORT * TIMES} turns`;
  const byHistory = await compareHistories(options, 'history', shortSocket);
  // The whole history is in the prompt, and with it in the request and its manifest.
  figures.push(figureOf(`${afterMany}, all in the prompt`, `after ${SHORT}`, byHistory));

  const folder = await mkdtemp(join(tmpdir(), 'steno-history-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const windowed = await startBenchPlatform(
    { ...cluster, prefix: `${cluster.prefix}-w` },
    { ...options, projections: true },
    { STENO_MODELS_FILE: await writeWindowed(folder) },
  );
  try {
    const byWindow = await compareHistories(options, 'history in a window', await open(windowed));
    figures.push(figureOf(`${afterMany}, a window of ${WINDOW} tokens`, `after ${SHORT}`, byWindow));
  } finally {
    await windowed.platform.stop();
  }

  const target = options.events ?? LOG * TIMES;
  const longSocket = await open(platforms.long);
  say(`logs of about ${Math.round(target / TIMES)} and ${target} turns`);
  const made = {
    short: await fill(options, platforms.short, Math.round(target / TIMES) - SHORT * TIMES),
    long: await fill(options, platforms.long, target),
  };
  const byLog = await compare(options, 'log', {
    shorter: () => timed(shortSocket, null),
    longer: () => timed(longSocket, null),
  });
  figures.push(
    figureOf(`a turn on a log of ${target} turns`, `on one of ${Math.round(target / TIMES)}`, byLog),
  );
  return {
    figures,
    notes: [
      `${made.long} turns were made on the longer log, ${made.short + SHORT * TIMES} on the shorter one before`,
    ],
  };
}

/** Compares a turn in a conversation of a few turns with one in a conversation of many. */
async function compareHistories(options: BenchOptions, what: string, socket: WebSocket): Promise<Rounds> {
  const { say, signal } = options;
  say(`${what}: a conversation of ${SHORT} turns and one of ${SHORT * TIMES}`);
  const long = await converse(socket, SHORT * TIMES, signal);
  return compare(options, what, {
    shorter: async () => {
      // Asking makes it longer: a new one each time.
      const conversationId = await converse(socket, SHORT, signal);
      return timed(socket, conversationId);
    },
    longer: () => timed(socket, long),
  });
}

/** Writes a catalogue whose scripted model reads as much as the local model does, and returns the file's path. */
async function writeWindowed(folder: string): Promise<string> {
  const scripted = findModel(await loadCatalogue(), 'scripted');
  const model = { ...scripted, contextLength: WINDOW, maxOutputTokens: WINDOW / 4 };
  const file = join(folder, 'models.json');
  await writeFile(file, JSON.stringify({ models: [model] }));
  return file;
}

/** Makes a conversation of so many turns and returns its id. */
async function converse(socket: WebSocket, turns: number, signal: AbortSignal): Promise<string> {
  let id: string | null = null;
  for (let turn = 0; turn < turns; turn += 1) {
    signal.throwIfAborted();
    id = (await ask(socket, { text: `turn ${turn}`, ...(id === null ? {} : { conversation_id: id }) }))
      .conversationId;
  }
  return id ?? '';
}

async function timed(socket: WebSocket, conversationId: string | null): Promise<number> {
  const began = performance.now();
  await ask(socket, {
    text: 'and now',
    ...(conversationId === null ? {} : { conversation_id: conversationId }),
  });
  return performance.now() - began;
}

/** Makes turns, many at once, until there are as many as wanted. Returns how many there are. */
async function fill(
  { signal, say }: BenchOptions,
  { platform }: BenchPlatform,
  wanted: number,
): Promise<number> {
  if (wanted <= 0) return 0;
  const path = await openSocketPath(platform.url(), IN_FLIGHT, await writeQuestions());
  let made = 0;
  try {
    while (made < wanted) {
      made += (await drive(path, IN_FLIGHT, FILL_SECONDS, signal)).turns.length;
      say(`${made} of ${wanted} turns`);
    }
  } finally {
    await path.close();
  }
  return made;
}

type Rounds = { readonly shorter: number[]; readonly longer: number[] };

/** Asks both ways in turn, so that whatever else the machine does falls on both; the median of each round. */
async function compare(
  { rounds, signal, say }: BenchOptions,
  what: string,
  ways: { readonly shorter: Asking; readonly longer: Asking },
): Promise<Rounds> {
  const found: Rounds = { shorter: [], longer: [] };
  await ways.shorter();
  await ways.longer();
  for (let round = 1; round <= (rounds ?? ROUNDS); round += 1) {
    say(`${what}, round ${round}`);
    const [shorter, longer]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < TURNS_PER_ROUND; turn += 1) {
      signal.throwIfAborted();
      shorter.push(await ways.shorter());
      longer.push(await ways.longer());
    }
    found.shorter.push(percentile(shorter, 0.5));
    found.longer.push(percentile(longer, 0.5));
  }
  return found;
}

function figureOf(what: string, limit: string, { shorter, longer }: Rounds): Figure {
  const [ours, short] = [summarise(longer), summarise(shorter)];
  const ratio = ours.median / short.median;
  return {
    what,
    unit: 'ms',
    ours,
    limit: { name: limit, value: short },
    targets: [
      atMost('must', `<= 1.2x at ${TIMES} times the length`, ratio, 1.2),
      atMost('moonshot', `<= 1.05x at ${TIMES} times the length`, ratio, 1.05),
    ],
  };
}
