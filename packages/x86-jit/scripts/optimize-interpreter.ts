/**
 * Build step: generates the interpreter's module and optimises it with binaryen.
 * Usage: optimize-interpreter.ts OUTPUT.wasm
 */
import binaryen from 'binaryen';
import { writeFileSync } from 'node:fs';
import { generateInterpreter } from '../src/interpreter/generate.js';

const output = process.argv[2];
if (!output) throw new Error('usage: optimize-interpreter.ts OUTPUT.wasm');
const module = binaryen.readBinary(generateInterpreter());
const { Features } = binaryen;
module.setFeatures(Features.SIMD128 | Features.BulkMemory | Features.BulkMemoryOpt | Features.SignExt | Features.NontrappingFPToInt | Features.MutableGlobals);
binaryen.setOptimizeLevel(3);
binaryen.setShrinkLevel(0);
module.optimize();
if (!module.validate()) throw new Error('the optimised interpreter is not valid');
writeFileSync(output, module.emitBinary());
