import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { boundaries } from './eslint/boundaries.mjs';

export default tseslint.config(
  { ignores: ['**/dist/', '**/.tsc/', '**/node_modules/', '**/generated/', '**/fixtures/', 'docs/api/', 'coverage/', '**/.turbo/', '**/.cache/'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    plugins: { pckit: { rules: { boundaries } } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'pckit/boundaries': 'error',
      eqeqeq: ['error', 'always'],
      'no-var': 'error',
      // A terminal's escape sequences are control characters.
      'no-control-regex': 'off',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true }],
      // Indexing a table of known length reads as T here (noUncheckedIndexedAccess is off), and `!` says the rest.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // `while (true)` is how a parser and a run loop read best.
      'no-constant-condition': ['error', { checkLoops: false }],
      // An interrupt line that goes nowhere is an empty function.
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', performance: 'readonly', setTimeout: 'readonly', URL: 'readonly', Buffer: 'readonly', WebAssembly: 'readonly', TextEncoder: 'readonly', TextDecoder: 'readonly' } },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/*.bench.ts'],
    rules: { 'no-console': 'error' },
  },
);
