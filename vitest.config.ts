import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@pckit/source'] },
  ssr: { resolve: { conditions: ['@pckit/source'] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/tests/**/*.test.ts',
      'apps/*/src/**/*.test.ts',
      'apps/*/tests/**/*.test.ts',
      'examples/**/*.test.ts',
      'tests/**/*.test.ts',
      'scripts/**/*.test.mjs',
    ],
    pool: 'forks',
    maxWorkers: 2,
    // No test asserts a time; these only keep a hung one from holding up the rest on a slow machine.
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
});
