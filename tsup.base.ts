import { defineConfig, type Options } from 'tsup';

/**
 * One build for every package: ESM, declarations and source maps; workspace packages stay external.
 *
 * Declarations are made against the built packages (`dist`), as an installed copy would see them, so the `@pckit/source`
 * condition is off here; turbo builds a package after those it imports.
 */
export function library(entry: Record<string, string>, more: Pick<Options, 'esbuildPlugins'> = {}): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry,
    format: ['esm'],
    target: 'es2023',
    dts: {
      compilerOptions: {
        customConditions: [],
        composite: false,
        incremental: false,
        declarationMap: false,
        // tsup 8.5 passes baseUrl, which TypeScript 6 reports as deprecated.
        ignoreDeprecations: '6.0',
      },
    },
    sourcemap: true,
    clean: true,
    splitting: true,
    ...more,
  });
}
