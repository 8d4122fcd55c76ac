import { readdirSync, readFileSync } from 'node:fs';

/** Returns a process and all that descend from it, as far as Linux tells; empty elsewhere. */
export function processTree(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const pid of listProcesses()) {
    const parent = parentOf(pid);
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found: number[] = [];
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    found.push(pid);
    open.push(...(children.get(pid) ?? []));
  }
  return found;
}

/** Returns those of the processes that still run. */
export function stillRunning(pids: readonly number[]): readonly number[] {
  return pids.filter((pid) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  });
}

/** Returns the memory that processes hold, shared pages counted once between them, in bytes; null where nobody tells. */
export function memoryOf(pids: readonly number[]): number | null {
  let sum = 0;
  for (const pid of pids) {
    try {
      // Linux, proc(5): the proportional set size in kB.
      sum +=
        Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) * 1_024;
    } catch {
      return null;
    }
  }
  return sum;
}

function listProcesses(): readonly number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => Number.isInteger(pid));
  } catch {
    return [];
  }
}

function parentOf(pid: number): number | null {
  try {
    // Linux, proc(5): after the name in brackets come the state and the parent.
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]);
  } catch {
    return null;
  }
}
