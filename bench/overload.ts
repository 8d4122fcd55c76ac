import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { writeModels } from '../test/support/models-file.ts';
import { seededRandom } from '../test/support/random.ts';
import { startBackend } from './peers/backend.ts';
import { atLeast, atMost, type Bench, type BenchOptions, type Outcome } from './support/bench.ts';
import { startCluster } from './support/cluster.ts';
import { arrive } from './support/load.ts';
import { startBenchPlatform } from './support/platform.ts';
import { writeQuestions, type Question } from './support/questions.ts';
import { residentBytes } from './support/resident-bytes.ts';
import { median, percentile, summarise } from './support/statistics.ts';
import { VoidRun } from './support/void-run.ts';

const TIMES = 5;
const SECONDS = 300;
const SLOTS = 8;
const TOKENS = 20;
const PACE_MS = 20;
/** What the slots answer in a second. */
const CAPACITY = (SLOTS * 1_000) / ((TOKENS - 1) * PACE_MS);
const MOST_WAIT_SECONDS = 5;
const SAMPLE_MS = 5_000;
/** Of each role: one that kept what it should let go would not live through the run. */
const HEAP_MIB = 192;

export const overload: Bench = {
  name: 'overload',
  purpose: `five times what the workers can do, for five minutes: refusals, answers, memory (P10)`,
  run,
};

type Asked =
  | { readonly kind: 'answered'; readonly firstMs: number; readonly totalMs: number }
  | { readonly kind: 'refused'; readonly millis: number };

async function run(options: BenchOptions): Promise<Outcome> {
  const { say, signal, seed } = options;
  await using cleanup = new AsyncDisposableStack();
  say('starting broker, registry, a backend and the roles');
  const cluster = await startCluster();
  cleanup.defer(() => cluster.stop());
  const backend = await startBackend();
  cleanup.defer(() => backend.close());
  const models = await writeModels([
    {
      ...{ id: 'narrow', engine: 'openai-compatible' },
      backend: { baseUrl: backend.baseUrl, model: 'scripted', slots: SLOTS },
    },
  ]);
  cleanup.defer(() => models.remove());
  const { platform, processes } = await startBenchPlatform(
    cluster,
    { ...options, projections: true },
    {
      ...{ STENO_MODELS_FILE: models.path, STENO_MODEL: 'narrow' },
      STENO_MAX_WAIT_SECONDS: String(MOST_WAIT_SECONDS),
      // Without a limit a process takes what is there before it collects its garbage, whatever it is asked for.
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}`,
    },
  );
  cleanup.defer(() => platform.stop());
  const agent = new Agent({ keepAlive: true });
  cleanup.defer(async () => agent.destroy());
  const questions = await writeQuestions(PACE_MS, { tokens: TOKENS, count: 64 });
  const { share: random } = seededRandom(seed);
  const ask = (question: Question): Promise<Asked> => askOnce(agent, platform.url(), question);

  say('half of what they can do, for comparison');
  const calm = await drive(ask, questions, { perSecond: CAPACITY / 2, random }, 20, signal);
  if (calm.some(({ kind }) => kind === 'refused')) throw new VoidRun('somebody was refused at half the load');
  const seconds = options.seconds ?? SECONDS;
  say(`${TIMES} times what they can do, for ${seconds} s`);
  const memory = new Map(processes.map(({ name }) => [name, [] as number[]]));
  const timer = setInterval(() => {
    for (const { name, pid } of processes) memory.get(name)?.push(residentBytes(pid));
  }, SAMPLE_MS);
  const asked = await drive(ask, questions, { perSecond: CAPACITY * TIMES, random }, seconds, signal).finally(
    () => clearInterval(timer),
  );
  return outcomeOf(calm, asked, memory, seconds, seed);
}

/** Asks whenever somebody comes. Rejects as soon as an answer is not right. */
async function drive(
  ask: (question: Question) => Promise<Asked>,
  questions: readonly Question[],
  ...load: Parameters<typeof arrive>
): Promise<readonly Asked[]> {
  const asked: Promise<Asked>[] = [];
  const failures: unknown[] = [];
  for await (const _ of arrive(...load)) {
    if (failures.length > 0) throw failures[0];
    const one = ask(questions[asked.length % questions.length] ?? { text: '', answer: '' });
    one.catch((error: unknown) => failures.push(error));
    asked.push(one);
  }
  return Promise.all(asked);
}

function askOnce(agent: Agent, url: string, { text, answer }: Question): Promise<Asked> {
  const body = JSON.stringify({ model: 'narrow', stream: true, messages: [{ role: 'user', content: text }] });
  return new Promise((resolve, reject) => {
    const sentAt = performance.now();
    let firstMs = Number.NaN;
    let received = '';
    const call = request(`${url}/v1/chat/completions`, {
      ...{ agent, method: 'POST' },
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    call.on('error', reject);
    call.on('response', (response) => {
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        received += piece;
        if (Number.isNaN(firstMs) && /"content":"[^"]/.test(piece)) firstMs = performance.now() - sentAt;
      });
      response.on('error', reject);
      response.on('end', () => {
        const totalMs = performance.now() - sentAt;
        if (response.statusCode === 503) {
          // What was taken in and failed is no refusal.
          if (!received.includes('"code":"overloaded"') || response.headers['retry-after'] === undefined)
            return reject(new VoidRun(`no refusal that says when to come back: ${received}`));
          return resolve({ kind: 'refused', millis: totalMs });
        }
        if (
          response.statusCode !== 200 ||
          !received.endsWith('data: [DONE]\n\n') ||
          textOf(received) !== answer
        )
          return reject(new VoidRun(`the answer to "${text}" is not right (status ${response.statusCode})`));
        resolve({ kind: 'answered', firstMs, totalMs });
      });
    });
    call.end(body);
  });
}

function textOf(stream: string): string {
  return [...stream.matchAll(/"content":("(?:[^"\\]|\\.)*")/g)]
    .map(([, json = '""']) => JSON.parse(json) as unknown)
    .join('');
}

function outcomeOf(
  calm: readonly Asked[],
  asked: readonly Asked[],
  memory: ReadonlyMap<string, readonly number[]>,
  seconds: number,
  seed: number,
): Outcome {
  const refused = asked.flatMap((one) => (one.kind === 'refused' ? [one.millis] : []));
  const answered = asked.flatMap((one) => (one.kind === 'answered' ? [one.firstMs] : []));
  const calmFirst = calm.flatMap((one) => (one.kind === 'answered' ? [one.firstMs] : []));
  const growth = [...memory].map(([name, samples]) => ({ name, ...growthOf(samples) }));
  const worst = growth.reduce((most, one) => (one.ratio > most.ratio ? one : most));
  const single = (value: number): ReturnType<typeof summarise> => summarise([value]);
  return {
    figures: [
      {
        what: `time to a refusal at ${TIMES}x, p99`,
        unit: 'ms',
        ours: single(percentile(refused, 0.99)),
        limit: null,
        targets: [atMost('must', '<= 100 ms', percentile(refused, 0.99), 100)],
      },
      {
        what: `answers per second at ${TIMES}x`,
        unit: 'answers/s',
        ours: single(answered.length / (seconds + MOST_WAIT_SECONDS)),
        limit: { name: 'what the slots can do', value: single(CAPACITY) },
        targets: [
          atLeast('must', 'as many as before, within a tenth', answered.length / seconds, CAPACITY * 0.9),
        ],
      },
      {
        what: `first token of what was taken in at ${TIMES}x, p99`,
        unit: 'ms',
        ours: single(percentile(answered, 0.99)),
        limit: { name: 'at half of what the slots can do', value: single(percentile(calmFirst, 0.99)) },
        targets: [
          atMost(
            'must',
            `<= ${MOST_WAIT_SECONDS} s and a half of it`,
            percentile(answered, 0.99),
            MOST_WAIT_SECONDS * 1_500,
          ),
        ],
      },
      {
        what: `resident memory in the last fifth, of the role that grew most (${worst.name})`,
        unit: 'MiB',
        ours: single(worst.last),
        limit: { name: 'in the second fifth', value: single(worst.early) },
        targets: [atMost('must', 'flat: at most a tenth more', worst.ratio, 1.1)],
      },
    ],
    notes: [
      `seed ${seed}; ${SLOTS} slots, answers of ${TOKENS} tokens ${PACE_MS} ms apart; ${asked.length} calls at random moments over ${seconds} s; a heap of ${HEAP_MIB} MiB for each role`,
      `${answered.length} answered, each checked byte by byte; ${refused.length} refused, each told when to come back`,
      `refusals: p50 ${percentile(refused, 0.5).toFixed(1)} ms, max ${Math.max(...refused).toFixed(1)} ms`,
      ...growth.map(
        ({ name, early, last }) =>
          `${name}: ${early.toFixed(0)} MiB in the second fifth, ${last.toFixed(0)} MiB in the last`,
      ),
    ],
  };
}

/** Medians of the second and of the last fifth of a run: the first is what a process grows to work at all. */
function growthOf(samples: readonly number[]): { early: number; last: number; ratio: number } {
  const fifth = Math.floor(samples.length / 5);
  const of = (from: number): number => median(samples.slice(from, from + fifth)) / 2 ** 20;
  const [early, last] = [of(fifth), of(samples.length - fifth)];
  return { early, last, ratio: last / early };
}
