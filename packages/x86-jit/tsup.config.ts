import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { library } from '../../tsup.base.js';

/** Generates and optimises the interpreter: what `src/interpreter/module.ts` does at run time when it isn't built. */
function optimizedInterpreter(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pckit-interpreter-'));
  try {
    const output = join(folder, 'interpreter.wasm');
    execFileSync(process.execPath, ['--conditions=@pckit/source', '--import', 'tsx', 'scripts/optimize-interpreter.ts', output], { stdio: ['ignore', 'inherit', 'inherit'] });
    return readFileSync(output).toString('base64');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export default library(
  { index: 'src/index.ts' },
  {
    // The built package carries the optimised module instead of its generator.
    esbuildPlugins: [
      {
        name: 'interpreter',
        setup(build) {
          build.onLoad({ filter: /[\\/]interpreter[\\/]module\.ts$/ }, () => ({
            contents: `
              const base64 = '${optimizedInterpreter()}';
              export function interpreterBytes() {
                const text = atob(base64);
                const bytes = new Uint8Array(text.length);
                for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
                return bytes;
              }`,
            loader: 'js',
          }));
        },
      },
    ],
  },
);
