import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** `export default`, which only the configuration files of tools may use. */
const noDefaultExport = {
  selector: 'ExportDefaultDeclaration, ExportSpecifier[exported.name="default"]',
  message: 'Export by name.',
};

const noExportAll = { selector: 'ExportAllDeclaration', message: 'Name what is exported.' };

export default defineConfig(
  globalIgnores(['node_modules/', '.steno/', 'schemas/generated/', 'test/fixtures/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  tseslint.configs.strict,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `return await` keeps the frame in a stack trace and inside its try block.
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // It takes what another task changes during an `await` for constant: `if (stopped)`, `signal.aborted`.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // An implementation of an asynchronous port need not wait for anything.
      '@typescript-eslint/require-await': 'off',
      // Data is written as `type`, ports as `interface`: both are wanted.
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/unified-signatures': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // node:test's `test` and `describe` return promises that the runner awaits.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['describe', 'it', 'suite', 'test'], package: 'node:test' },
          ],
        },
      ],
      // Doubles implement whole ports with members that do nothing.
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    rules: { '@typescript-eslint/no-empty-function': 'off' },
  },
  {
    rules: {
      eqeqeq: 'error',
      'no-console': 'off',
      'no-param-reassign': 'error',
      'no-implicit-coercion': 'error',
      'no-promise-executor-return': 'off',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'no-restricted-syntax': ['error', noDefaultExport, noExportAll],
    },
  },
  { files: ['eslint.config.js'], rules: { 'no-restricted-syntax': ['error', noExportAll] } },
);
