import type { Instruction } from '../instruction.js';
import { formatAtt } from './att.js';
import type { Symbolizer } from './text.js';
export function formatIntel(instruction: Instruction, address: bigint, symbol: Symbolizer | undefined): string {
  return formatAtt(instruction, address, symbol);
}
