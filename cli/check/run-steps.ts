import { spawn } from 'node:child_process';
import type { CheckStep } from './steps.ts';

export type StepResult = {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
  readonly output: string;
};

/** Runs the steps, at most `atOnce` together, and reports each as it ends. Resolves to all results. */
export async function runSteps(
  steps: readonly CheckStep[],
  options: { atOnce: number; signal: AbortSignal; report: (result: StepResult) => void },
): Promise<StepResult[]> {
  const waiting = [...steps];
  const results: StepResult[] = [];
  const lane = async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const result = await runStep(step, options.signal);
      results.push(result);
      options.report(result);
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, lane));
  return results;
}

/** Runs one step under this Node. A step that cannot start, or is aborted, is one that failed. */
function runStep(step: CheckStep, signal: AbortSignal): Promise<StepResult> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, step.program, ...step.parameters], {
      signal,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (data: Buffer) => {
      output += data.toString();
    };
    const end = (passed: boolean) => {
      resolve({ name: step.name, passed, seconds: (performance.now() - started) / 1000, output });
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => {
      output += error.message;
      end(false);
    });
    child.on('close', (code) => {
      end(code === 0);
    });
  });
}
