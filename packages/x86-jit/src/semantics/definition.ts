import type { Context, Size } from './context.js';

export interface DefinitionOptions {
  /** Operand shapes: one letter an operand (r register, m memory, i immediate, x xmm, y ymm, t mm, s segment ...); '' for none. */
  readonly shapes: readonly string[];
  /** Sizes in bytes; those of the operand `sizeOf`. Absent: one instance for every size (the function doesn't look). */
  readonly sizes?: readonly Size[];
  /** Which operand's size counts; default 0. -1: the instruction's operand size. */
  readonly sizeOf?: number;
  /** Two instances: for 64-bit code and for the rest. */
  readonly modes?: boolean;
  /** Which instances are worth being inline in the interpreter's loop. */
  readonly hot?: boolean | ((size: Size, shape: string) => boolean);
  /** It may hand over to TypeScript (`executeElsewhere`): the decoded instruction is kept. */
  readonly mayExecute?: boolean;
  /** The interpreter has one handler for all shapes, which finds out about memory operands and the vector length as it executes. */
  readonly merged?: boolean;
  /** Nothing after it belongs to its block. */
  readonly ends?: boolean;
}

export interface Definition extends DefinitionOptions {
  /** Mnemonics as the decoder names them. */
  readonly mnemonics: readonly string[];
  readonly emit: (x: Context, mnemonic: string) => void;
  /** Each mnemonic gets an instance of its own (conditions). */
  readonly perMnemonic: boolean;
}

/** Collects definitions in a fixed order, which is what gives handlers their numbers. */
export class Definitions {
  readonly list: Definition[] = [];

  define(mnemonics: string | readonly string[], options: DefinitionOptions, emit: (x: Context, mnemonic: string) => void): void {
    this.list.push({ ...options, mnemonics: typeof mnemonics === 'string' ? [mnemonics] : mnemonics, emit, perMnemonic: typeof mnemonics !== 'string' });
  }
}
