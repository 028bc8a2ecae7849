import { setFlagsFromString } from 'node:v8';

/**
 * V8 compiles a WebAssembly function again, with its optimising compiler, once about so many bytes of its code were executed. Node 20's default is a
 * tenth of this, later versions' about the same: with the small one, a third of the CPU time of a boot went into code that hardly ran again.
 */
const TIERING_BUDGET = 20_000_000;

/** Sets up the JavaScript engine for a machine; before the first WebAssembly module is made. */
export function tuneEngine(): void {
  if (process.versions.node.startsWith('20.')) setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`);
}
