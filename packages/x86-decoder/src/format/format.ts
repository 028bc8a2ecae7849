import type { Instruction } from '../instruction.js';
import { formatAtt } from './att.js';
import { formatIntel } from './intel.js';
import type { FormatOptions } from './text.js';

/**
 * One line of assembly for a decoded instruction at an address, as binutils' objdump prints it; `(bad)` for an invalid
 * one. `address` matters for branch targets and RIP-relative operands only.
 */
export function format(instruction: Instruction, address: bigint | number, options: FormatOptions = {}): string {
  if (instruction.form === 0) return '(bad)';
  const at = BigInt(address);
  return options.syntax === 'intel'
    ? formatIntel(instruction, at, options.symbol)
    : formatAtt(instruction, at, options.symbol);
}
