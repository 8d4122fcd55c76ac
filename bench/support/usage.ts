import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/** A process whose work is counted. */
export type Measured = {
  readonly name: string;
  readonly pid: number;
  /** Where it tells its event-loop utilisation; null if nowhere. */
  readonly metricsUrl: string | null;
};

/** What a process used; null where this system does not tell. */
export type Usage = {
  readonly name: string;
  readonly cpuSeconds: number | null;
  readonly loopUtilisation: number | null;
};

/** Counts what processes use between `begin` and `end`, over several segments. */
export interface Meter {
  begin(): Promise<void>;
  end(): Promise<void>;
  read(): readonly Usage[];
}

type Total = {
  readonly measured: Measured;
  cpu: number | null;
  before: number | null;
  readonly loops: number[];
};

/** Clock ticks of Linux's accounting, the same on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;
const UTILISATION = /^steno_event_loop_utilization_ratio(?:\{[^}]*\})? (\S+)$/m;

/** Counts these processes, and this one as "client". */
export function createMeter(processes: readonly Measured[]): Meter {
  const own: Measured = { name: 'client', pid: process.pid, metricsUrl: null };
  const totals = [own, ...processes].map((measured): Total => ({
    measured,
    cpu: 0,
    before: null,
    loops: [],
  }));
  let ownLoop = performance.eventLoopUtilization();

  return {
    async begin() {
      await Promise.all(totals.map(({ measured }) => readLoop(measured.metricsUrl)));
      for (const total of totals) total.before = cpuSecondsOf(total.measured.pid);
      ownLoop = performance.eventLoopUtilization();
    },
    async end() {
      const loop = performance.eventLoopUtilization(ownLoop).utilization;
      for (const total of totals) {
        const now = cpuSecondsOf(total.measured.pid);
        const used = now === null || total.before === null ? null : now - total.before;
        total.cpu = used === null || total.cpu === null ? null : total.cpu + used;
      }
      await Promise.all(
        totals.map(async ({ measured, loops }) => {
          const share = measured.pid === process.pid ? loop : await readLoop(measured.metricsUrl);
          if (share !== null) loops.push(share);
        }),
      );
    },
    read: () =>
      totals.map(({ measured, cpu, loops }) => ({
        name: measured.name,
        cpuSeconds: cpu,
        loopUtilisation:
          loops.length === 0 ? null : loops.reduce((sum, share) => sum + share, 0) / loops.length,
      })),
  };
}

/** Returns one line for each process: CPU seconds per thousand turns, and how busy its event loop was. */
export function usageLines(path: string, usages: readonly Usage[], turns: number): readonly string[] {
  const known = usages.filter(({ cpuSeconds }) => cpuSeconds !== null);
  const total = known.reduce((sum, { cpuSeconds }) => sum + (cpuSeconds ?? 0), 0);
  const perThousand = (seconds: number | null): string =>
    seconds === null || turns === 0 ? '-' : ((seconds * 1_000) / turns).toFixed(2);
  return [
    ...usages.map(({ name, cpuSeconds, loopUtilisation }) => {
      const loop = loopUtilisation === null ? '-' : `${Math.round(loopUtilisation * 100)} %`;
      return `${path}: ${name}: ${perThousand(cpuSeconds)} CPU s per 1,000 turns, event loop ${loop}`;
    }),
    `${path}: all: ${perThousand(known.length === 0 ? null : total)} CPU s per 1,000 turns`,
  ];
}

function cpuSecondsOf(pid: number): number | null {
  try {
    // Linux, proc(5): after the name in brackets, fields 12 and 13 are user and system time.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}

async function readLoop(metricsUrl: string | null): Promise<number | null> {
  if (metricsUrl === null) return null;
  const found = UTILISATION.exec(await (await fetch(metricsUrl)).text());
  return found === null ? null : Number(found[1]);
}
