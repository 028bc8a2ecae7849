import type { Definition } from '../semantics/definition.js';
import { allDefinitions } from '../semantics/index.js';

/** One handler of the interpreter: a definition at one size, operand shape and mode. */
export interface Handler {
  readonly id: number;
  readonly name: string;
  readonly mnemonic: string;
  readonly definition: Definition;
  readonly size: number;
  /** The first of several if the definition is `merged`. */
  readonly shape: string;
  readonly long: boolean;
  readonly hot: boolean;
}

/** Handlers that are no instruction. */
export const Special = {
  /** Zeroed or invalidated record: look the block up again. Also the end of a block that stopped short of a transfer. */
  invalid: 0,
  /** An instruction implemented in TypeScript. */
  execute: 1,
  /** The instruction reaches into the next page: check that it is still the page that was decoded. */
  checkNextPage: 2,
  /** A debugger's hook on this instruction. */
  breakpoint: 3,
  /** CS has a limit: check that the block lies within it. */
  checkLimit: 4,
  /** Here begins another block: its first record is `Record.target`. */
  goOn: 5,
  /** There is no record: no code is decoded where execution goes on. */
  missing: 6,
  first: 7,
} as const;

/** Size classes in a handler's key. */
const sizeCode = (size: number): number => (size === 0 ? 0 : Math.log2(size) + 1);

const LETTERS = 'rmixytscdbfpqkuv';

/** Packs an operand shape into 4 bits a letter. */
export function shapeCode(shape: string): number {
  let code = 0;
  for (const letter of shape) {
    const index = LETTERS.indexOf(letter);
    if (index < 0) throw new Error(`unknown operand letter ${letter} in shape ${shape}`);
    code = code * 16 + index + 1;
  }
  return code;
}

export function handlerKey(size: number, shape: number, long: boolean): number {
  return (shape * 8 + sizeCode(size)) * 2 + (long ? 1 : 0);
}

export interface HandlerTable {
  readonly handlers: readonly Handler[];
  /** By mnemonic (as in a definition), then by `handlerKey`. */
  readonly byMnemonic: ReadonlyMap<string, ReadonlyMap<number, Handler>>;
}

export function buildHandlerTable(): HandlerTable {
  const handlers: Handler[] = [];
  const byMnemonic = new Map<string, Map<number, Handler>>();
  for (const definition of allDefinitions().list) {
    for (const mnemonic of definition.mnemonics) {
      let keys = byMnemonic.get(mnemonic);
      if (!keys) byMnemonic.set(mnemonic, (keys = new Map()));
      for (const size of definition.sizes ?? [0]) {
        for (const shape of definition.merged ? definition.shapes.slice(0, 1) : definition.shapes) {
          for (const long of definition.modes ? [true, false] : [true]) {
            const hot = typeof definition.hot === 'function' ? definition.hot(size, shape) : (definition.hot ?? false);
            const suffix = definition.modes ? (long ? '_64' : '_legacy') : '';
            const handler: Handler = {
              id: Special.first + handlers.length,
              name: `${mnemonic.replace(':', '_')}_${shape}${size ? `_${size * 8}` : ''}${suffix}`,
              mnemonic, definition, size, shape, long, hot: hot && (long || !definition.modes),
            };
            handlers.push(handler);
            const clash = (key: number): void => {
              if (keys.has(key)) throw new Error(`two definitions of ${handler.name}`);
              keys.set(key, handler);
            };
            for (const served of definition.merged ? definition.shapes : [shape]) {
              const code = shapeCode(served);
              clash(handlerKey(size, code, long));
              if (!definition.modes) clash(handlerKey(size, code, false));
            }
          }
        }
      }
    }
  }
  return { handlers, byMnemonic };
}
