import { defineConfig } from 'tsup';

/** One build for every package: ESM, declarations and source maps, workspace packages left external. */
export function library(entry: Record<string, string>): ReturnType<typeof defineConfig> {
  return defineConfig({ entry, format: ['esm'], target: 'es2023', dts: true, sourcemap: true, clean: true, splitting: true, treeshake: true });
}
