import { readFileSync } from 'node:fs';
import { VoidRun } from './void-run.ts';

/** What a process holds of memory. Linux, proc(5): resident set size, in kB. Throws VoidRun where the system does not tell. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (found === null) throw new VoidRun('this system does not tell how much memory a process holds');
  return Number(found[1]) * 1024;
}
