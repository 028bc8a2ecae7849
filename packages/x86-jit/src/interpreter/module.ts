import { generateInterpreter } from './generate.js';

let compiled: WebAssembly.Module | undefined;

/** The interpreter's module, compiled once a process: it is code, not state. */
export function interpreterModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(generateInterpreter({ names: true }));
  return compiled;
}
