import { writeFileSync } from 'node:fs';
import { CliError, reasonOf } from '../cli-error.js';
import { about } from '../explain.js';
import { readInput } from '../input-file.js';
import { readKernelSymbols } from '../kernel-symbols.js';
import type { SymbolsRequest } from './symbols-options.js';

export async function symbols({ kernel, output }: SymbolsRequest, say: (message: string) => void): Promise<void> {
  const bytes = readInput(kernel, 'kernel');
  const found = await about(`the kernel ${kernel}`, () => readKernelSymbols(bytes));
  const file = await about(`the kernel ${kernel}`, () => found.symbolFile());
  try {
    writeFileSync(output, file);
  } catch (error) {
    throw new CliError('input', `can't write ${output}: ${reasonOf(error)}`, 'Name a file in a folder that exists and that you may write to.', { cause: error });
  }
  say(`${output}: ${found.symbols.length} symbols, linked to 0x${found.textBase.toString(16)}`);
}
