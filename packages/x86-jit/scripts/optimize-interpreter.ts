/**
 * Build step: generates the interpreter's module and optimises it with binaryen.
 * Usage: optimize-interpreter.ts OUTPUT.wasm
 */
import binaryen from 'binaryen';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateInterpreter } from '../src/interpreter/generate.js';

const output = process.argv[2];
if (!output) throw new Error('usage: optimize-interpreter.ts OUTPUT.wasm');

const generated = generateInterpreter();
// Optimising takes a minute or two, and most changes to the package leave the generated module as it is.
const recipe = createHash('sha256').update(generated).update(readFileSync(fileURLToPath(import.meta.url)));
const kept = join(dirname(fileURLToPath(import.meta.url)), '../../../node_modules/.cache/pckit', `interpreter-${recipe.digest('hex').slice(0, 16)}.wasm`);
if (!existsSync(kept)) {
  const optimized = optimize(generated);
  mkdirSync(dirname(kept), { recursive: true });
  writeFileSync(`${kept}.${process.pid}`, optimized);
  renameSync(`${kept}.${process.pid}`, kept);
}
writeFileSync(output, readFileSync(kept));

function optimize(wasm: Uint8Array): Uint8Array {
  const module = binaryen.readBinary(wasm);
  const { Features } = binaryen;
  module.setFeatures(Features.SIMD128 | Features.BulkMemory | Features.BulkMemoryOpt | Features.SignExt | Features.NontrappingFPToInt | Features.MutableGlobals);
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(0);
  // A handler that is a function of its own is called from one place, and is one so that the loop stays small.
  binaryen.setOneCallerInlineMaxSize(0);
  module.optimize();
  if (!module.validate()) throw new Error('the optimised interpreter is not valid');
  return module.emitBinary();
}
