import path from 'node:path';

/** One part of `npm run check`: a name and the Node program that decides it. */
export type CheckStep = {
  readonly name: string;
  readonly program: string;
  readonly parameters: readonly string[];
};

const tool = (...parts: string[]) => path.join('node_modules', ...parts);
const cache = (name: string) => path.join('node_modules', '.cache', 'steno-check', name);

/** The steps of a check, the longest first, so that they fill the cores evenly. `fix` lets tools repair files. */
export function checkSteps({ fix }: { fix: boolean }): { repairs: CheckStep[]; checks: CheckStep[] } {
  const format = (mode: string): CheckStep => ({
    name: 'format',
    program: tool('prettier', 'bin', 'prettier.cjs'),
    parameters: [mode, '--log-level=warn', '--cache', `--cache-location=${cache('prettier')}`, '.'],
  });
  const lint = (...more: string[]): CheckStep => ({
    name: 'lint',
    program: tool('eslint', 'bin', 'eslint.js'),
    parameters: [
      '--cache',
      '--cache-strategy=content',
      `--cache-location=${cache('eslint')}`,
      '--max-warnings=0',
      ...more,
      '.',
    ],
  });
  return {
    // One after the other: both write the same files.
    repairs: fix ? [lint('--fix'), format('--write')] : [],
    checks: [
      lint(),
      {
        name: 'unit tests',
        program: '--test',
        parameters: ['--test-timeout=60000', '--test-reporter=dot', 'test/unit/**/*.test.ts'],
      },
      {
        name: 'types',
        program: tool('typescript', 'bin', 'tsc'),
        parameters: ['--incremental', '--tsBuildInfoFile', cache('types.json'), '--pretty', 'false'],
      },
      {
        name: 'client types',
        program: tool('typescript', 'bin', 'tsc'),
        parameters: ['-p', 'client', '--pretty', 'false'],
      },
      {
        name: 'page types',
        program: tool('typescript', 'bin', 'tsc'),
        parameters: ['-p', 'web', '--pretty', 'false'],
      },
      {
        name: 'dead exports',
        program: tool('knip', 'bin', 'knip.js'),
        parameters: ['--no-config-hints', '--cache', `--cache-location=${cache('knip')}`],
      },
      { name: 'dependencies', program: 'cli/check/dependencies.ts', parameters: [] },
      format('--check'),
      { name: 'generated files', program: 'schemas/generate.ts', parameters: ['--check'] },
      { name: 'generated docs', program: 'cli/generate-docs.ts', parameters: ['--check'] },
    ],
  };
}
