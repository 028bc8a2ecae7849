import { setFlagsFromString } from 'node:v8';

/**
 * V8 compiles a WebAssembly function again, with its optimising compiler, once about so many bytes of its code were executed, and JavaScript likewise.
 * Node 20 does so a tenth, or a third, as late as would serve us, and has no baseline compiler for JavaScript on; later versions have moved to about these settings.
 */
const NODE_20 = ['--wasm-tiering-budget=20000000', '--sparkplug', '--interrupt-budget=400000'];

/** Sets up the JavaScript engine for a machine; before the first WebAssembly module is made. */
export function tuneEngine(): void {
  if (process.versions.node.startsWith('20.')) for (const flag of NODE_20) setFlagsFromString(flag);
}
