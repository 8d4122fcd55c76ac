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
  /** Calls of write(2) and its kin: of sockets, most of what a turn costs on a machine with few cores. */
  readonly writes: number | null;
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
  writes: number | null;
  writesBefore: number | null;
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
    writes: 0,
    writesBefore: null,
    loops: [],
  }));
  let ownLoop = performance.eventLoopUtilization();

  return {
    async begin() {
      await Promise.all(totals.map(({ measured }) => readLoop(measured.metricsUrl)));
      for (const total of totals) {
        total.before = cpuSecondsOf(total.measured.pid);
        total.writesBefore = writesOf(total.measured.pid);
      }
      ownLoop = performance.eventLoopUtilization();
    },
    async end() {
      const loop = performance.eventLoopUtilization(ownLoop).utilization;
      for (const total of totals) {
        const { measured, before, writesBefore } = total;
        total.cpu = sum(total.cpu, cpuSecondsOf(measured.pid), before);
        total.writes = sum(total.writes, writesOf(measured.pid), writesBefore);
      }
      await Promise.all(
        totals.map(async ({ measured, loops }) => {
          const share = measured.pid === process.pid ? loop : await readLoop(measured.metricsUrl);
          if (share !== null) loops.push(share);
        }),
      );
    },
    read: () =>
      totals.map(({ measured, cpu, writes, loops }) => ({
        name: measured.name,
        cpuSeconds: cpu,
        writes,
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
    ...usages.map(({ name, cpuSeconds, loopUtilisation, writes }) => {
      const loop = loopUtilisation === null ? '-' : `${Math.round(loopUtilisation * 100)} %`;
      const calls = writes === null || turns === 0 ? '-' : (writes / turns).toFixed(2);
      return `${path}: ${name}: ${perThousand(cpuSeconds)} CPU s per 1,000 turns, event loop ${loop}, ${calls} writes a turn`;
    }),
    `${path}: all: ${perThousand(known.length === 0 ? null : total)} CPU s per 1,000 turns`,
  ];
}

function sum(before: number | null, now: number | null, start: number | null): number | null {
  return before === null || now === null || start === null ? null : before + now - start;
}

function writesOf(pid: number): number | null {
  try {
    // Linux, proc(5): syscw counts write(2), writev(2) and pwrite(2), of files as well as of sockets.
    const found = /^syscw: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}

/** CPU seconds that a process used so far; null where this system does not tell. */
export function cpuSecondsOf(pid: number): number | null {
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
