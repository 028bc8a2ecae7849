import { generateInterpreter } from './generate.js';

/** The interpreter's module. The built package has the optimised one here. */
export function interpreterBytes(): Uint8Array<ArrayBuffer> {
  return generateInterpreter({ names: true });
}
