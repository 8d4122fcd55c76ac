import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** What a figure depends on besides the code. */
export type Host = {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGb: number;
  /** Average number of runnable processes of the last minute, before the bench began. */
  readonly loadBefore: number;
  readonly node: string;
  readonly commit: string;
};

export function describeHost(): Host {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    node: process.versions.node,
    commit: commit(),
  };
}

/** The commit that ran; "+" where the working tree differs from it. */
function commit(): string {
  try {
    const git = (...parameters: readonly string[]): string =>
      execFileSync('git', parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const isDirty = git('status', '--porcelain', '--', ':!bench/results') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${isDirty ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}
