import { Command } from 'commander';

export interface SymbolsRequest {
  readonly kernel: string;
  readonly output: string;
}

const examples = `
Example:
  pckit symbols vmlinuz --out vmlinux.sym
  gdb vmlinux.sym -ex 'target remote :1234' -ex 'break do_exit'
`;

export function symbolsCommand(act: (request: SymbolsRequest) => Promise<void>): Command {
  return new Command('symbols')
    .description('write the symbols and unwind tables that a stock kernel carries for itself into an ELF file for gdb and lldb')
    .argument('<kernel>', 'bzImage (vmlinuz) or vmlinux')
    .requiredOption('-o, --out <file>', 'the file to write')
    .addHelpText('after', examples)
    .action(async (kernel: string, { out }: { out: string }) => act({ kernel, output: out }));
}
