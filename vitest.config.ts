import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@pckit/source'] },
  ssr: { resolve: { conditions: ['@pckit/source'] } },
  test: { include: ['packages/*/src/**/*.test.ts', 'packages/*/tests/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'apps/*/tests/**/*.test.ts'], pool: 'forks', maxWorkers: 2 },
});
